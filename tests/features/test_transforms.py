"""Transforms against numpy."""

import subprocess
import sys

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from dwcp.features.transforms import (  # noqa: E402
    Differences,
    Log1p,
    MissingMask,
    OneHot,
    Ratio,
    SafeLog,
    Standardise,
)

pytestmark = pytest.mark.train


def tensor(*values):
    return torch.tensor(values, dtype=torch.float32)


def test_logarithms_are_finite_everywhere():
    values = tensor(-1, 0, 1e-9, 1, 1e12)
    np.testing.assert_allclose(SafeLog(1e-3)(values).numpy(), np.log([1e-3, 1e-3, 1e-3, 1, 1e12]), rtol=1e-6)
    np.testing.assert_allclose(Log1p()(values).numpy(), np.log1p([0, 0, 1e-9, 1, 1e12]), rtol=1e-6, atol=1e-7)


def test_standardise_has_mean_zero_and_deviation_one_on_large_offsets():
    rng = np.random.default_rng(0)
    values = (rng.normal(size=(1000, 2)) * [1e-3, 5] + [1e3, 0]).astype(np.float64)
    values[::7, 0] = np.nan
    scaled = (values - Standardise.fit(values).mean.numpy().astype(np.float64)) / Standardise.fit(
        values
    ).deviation.numpy()
    np.testing.assert_allclose(np.nanstd(scaled, axis=0), 1, rtol=1e-5)
    np.testing.assert_allclose(
        Standardise.fit(values).deviation.numpy(), np.nanstd(values, axis=0), rtol=1e-6
    )


def test_standardise_keeps_the_scale_of_a_constant_or_unknown_feature():
    values = np.stack([np.full(9, 123.456), np.full(9, np.nan)], axis=1)
    scale = Standardise.fit(values)
    np.testing.assert_array_equal(scale.deviation.numpy(), 1)
    np.testing.assert_allclose(scale(tensor(124.456, 1)).numpy(), [1, 1], rtol=1e-5)


def test_standardise_takes_windows():
    values = np.arange(24, dtype=np.float32).reshape(2, 4, 3)
    scaled = Standardise.fit(values)(torch.from_numpy(values)).numpy()
    np.testing.assert_allclose(scaled.reshape(-1, 3).mean(axis=0), 0, atol=1e-6)


@pytest.mark.parametrize("values", [np.empty((0, 2)), np.array([[1.0, np.inf]])])
def test_standardise_refuses_what_cannot_be_scaled(values):
    with pytest.raises(ValueError, match="finite"):
        Standardise.fit(values)


def test_standardise_refuses_a_deviation_of_zero():
    with pytest.raises(ValueError, match="above zero"):
        Standardise(np.zeros(2), np.array([1.0, 0.0]))


def test_one_hot_of_an_unknown_class_is_all_zeros():
    rows = OneHot(3)(torch.tensor([0, 2, -1, 3])).numpy()
    np.testing.assert_array_equal(rows, [[1, 0, 0], [0, 0, 1], [0, 0, 0], [0, 0, 0]])


def test_missing_mask_fills_and_marks():
    got = MissingMask(-5.0)(tensor(1, float("nan"), float("inf")).reshape(1, 3)).numpy()
    np.testing.assert_array_equal(got, [[1, -5, np.inf, 0, 1, 0]])


def test_ratio_never_divides_by_nothing():
    np.testing.assert_array_equal(Ratio(0.5)(tensor(1, 1, 1), tensor(0, -3, 4)).numpy(), [2, 2, 0.25])


def test_differences_go_from_step_to_step():
    window = torch.from_numpy(np.cumsum(np.ones((2, 5, 3), np.float32), axis=1))
    np.testing.assert_array_equal(Differences()(window).numpy(), np.ones((2, 4, 3)))


@pytest.mark.parametrize("transform", [SafeLog, Ratio])
@pytest.mark.parametrize("floor", [0.0, -1.0, float("nan")])
def test_floors_must_be_above_zero(transform, floor):
    with pytest.raises(ValueError, match="above zero"):
        transform(floor)


def test_importing_features_does_not_import_torch():
    check = "import sys, dwcp.features; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", check], check=False).returncode == 0
