import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn import metrics as reference

from dwcp.errors import InputError
from dwcp.evaluation.regression import (
    mean_absolute_error,
    mean_absolute_percentage_error,
    quantile_loss,
    r2_score,
    skill,
)

pairs = st.lists(st.tuples(st.floats(-1e6, 1e6), st.floats(-1e6, 1e6)), min_size=2, max_size=40)


@given(pairs, st.floats(0.01, 0.99))
def test_same_as_scikit_learn(rows: list[tuple[float, float]], quantile: float) -> None:
    y, f = np.array(rows).T
    assert mean_absolute_error(y, f) == pytest.approx(reference.mean_absolute_error(y, f))
    assert quantile_loss(y, f, quantile) == pytest.approx(reference.mean_pinball_loss(y, f, alpha=quantile))
    far = np.abs(y) > 1
    if far.any():
        expected = reference.mean_absolute_percentage_error(y[far], f[far])
        assert mean_absolute_percentage_error(y[far], f[far], floor=1.0) == pytest.approx(expected)
    if np.ptp(y) > 1e-3:
        assert r2_score(y, f) == pytest.approx(reference.r2_score(y, f))


def test_percentage_error_is_floored() -> None:
    assert mean_absolute_percentage_error([0.0, 10.0], [1.0, 10.0], floor=2.0) == 0.25
    with pytest.raises(InputError, match="floor"):
        mean_absolute_percentage_error([1.0], [1.0], floor=0.0)


def test_r2_of_a_constant_says_nothing() -> None:
    assert math.isnan(r2_score([3.0, 3.0], [3.0, 4.0]))


def test_skill_is_the_share_of_error_taken_away() -> None:
    assert skill([1.0, 3.0], [1.0, 2.0], [3.0, 5.0]) == 0.75
    assert skill([1.0, 3.0], [3.0, 5.0], [3.0, 5.0]) == 0.0
    with pytest.raises(InputError, match="makes no error"):
        skill([1.0], [2.0], [1.0])


@pytest.mark.parametrize(
    ("truth", "forecast"), [([], []), ([1.0], [1.0, 2.0]), ([float("nan")], [1.0]), ([1.0], [float("inf")])]
)
def test_what_does_not_align_is_refused(truth: list[float], forecast: list[float]) -> None:
    with pytest.raises(InputError):
        mean_absolute_error(truth, forecast)


@pytest.mark.parametrize("quantile", [0.0, 1.0, -0.5])
def test_a_quantile_outside_is_refused(quantile: float) -> None:
    with pytest.raises(InputError, match="between 0 and 1"):
        quantile_loss([1.0], [1.0], quantile)
