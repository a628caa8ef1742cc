import warnings

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn import metrics as reference

from dwcp.errors import InputError
from dwcp.evaluation.classification import (
    average_precision,
    balanced_accuracy,
    f1_per_class,
    macro_f1,
    roc_auc,
)

labels = st.sampled_from(["none", "lz4", "zstd", "delta"])
label_pairs = st.lists(st.tuples(labels, labels), min_size=1, max_size=40)
scored = st.lists(
    st.tuples(st.booleans(), st.sampled_from([0.0, 0.1, 0.25, 0.5]) | st.floats(-5, 5)),
    min_size=2,
    max_size=50,
).filter(lambda rows: len({positive for positive, _ in rows}) == 2)


@given(label_pairs)
def test_classes_as_in_scikit_learn(rows: list[tuple[str, str]]) -> None:
    truth, predicted = map(list, zip(*rows, strict=True))
    assert macro_f1(truth, predicted) == pytest.approx(reference.f1_score(truth, predicted, average="macro"))
    names = sorted({*truth, *predicted})
    expected = reference.f1_score(truth, predicted, average=None, labels=names)
    per_class = f1_per_class(truth, predicted)
    assert [per_class[name] for name in names] == pytest.approx(expected.tolist())
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        assert balanced_accuracy(truth, predicted) == pytest.approx(
            reference.balanced_accuracy_score(truth, predicted)
        )


@given(scored)
def test_areas_as_in_scikit_learn(rows: list[tuple[bool, float]]) -> None:
    truth, scores = map(np.array, zip(*rows, strict=True))
    assert roc_auc(truth, scores) == pytest.approx(reference.roc_auc_score(truth, scores))
    assert average_precision(truth, scores) == pytest.approx(reference.average_precision_score(truth, scores))


def test_one_class_has_no_area() -> None:
    for area in (roc_auc, average_precision):
        with pytest.raises(InputError, match="both classes"):
            area([True, True], [0.1, 0.2])
        with pytest.raises(InputError, match="as many"):
            area([True, False], [0.1])
        with pytest.raises(InputError, match="finite"):
            area([True, False], [0.1, float("nan")])


def test_what_does_not_align_is_refused() -> None:
    for figure in (macro_f1, balanced_accuracy):
        with pytest.raises(InputError):
            figure([], [])
        with pytest.raises(InputError):
            figure(["a"], ["a", "b"])
