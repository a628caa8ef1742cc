"""The converted ensemble against the booster itself, thresholds and missing values included."""

import json

import numpy as np
import onnxruntime
import pytest

xgboost = pytest.importorskip("xgboost")
pytest.importorskip("onnx")

from dwcp.errors import TrainingError  # noqa: E402
from dwcp.training.export import finish  # noqa: E402
from dwcp.training.trees import trees_to_onnx  # noqa: E402

pytestmark = pytest.mark.train


def rows(count=400, features=4, seed=0, missing=0.15):
    rng = np.random.default_rng(seed)
    values = rng.normal(size=(count, features)).round(2).astype(np.float32)
    values[rng.random(values.shape) < missing] = np.nan
    return values


def targets(values, count):
    known = np.nan_to_num(values)
    return np.stack([known[:, i % 4] * known[:, (i + 1) % 4] + i for i in range(count)], axis=1)


def fit(values, labels, **parameters):
    matrix = xgboost.DMatrix(values, label=labels)
    settings = {"nthread": 1, "tree_method": "hist", "max_depth": 5, "verbosity": 0, "seed": 1} | parameters
    return xgboost.train(settings, matrix, num_boost_round=20)


def thresholds(booster, feature_count, rng):
    """Rows made of the split values themselves, and of their float32 neighbours."""
    trees = json.loads(booster.save_raw("json"))["learner"]["gradient_booster"]["model"]["trees"]
    values = np.concatenate([tree["split_conditions"] for tree in trees])
    inner = np.concatenate([tree["left_children"] for tree in trees]) != -1
    splits = values[inner].astype(np.float32)
    at = rng.choice(splits, size=(300, feature_count))
    return np.concatenate([at, np.nextafter(at, np.float32(-np.inf)), np.nextafter(at, np.float32(np.inf))])


def run(model, values):
    session = onnxruntime.InferenceSession(finish(model), providers=["CPUExecutionProvider"])
    return session.run(None, {"features": values})[0]


def predict(booster, values):
    wanted = booster.predict(xgboost.DMatrix(values))
    return wanted.reshape(len(values), -1)


@pytest.mark.parametrize("strategy", ["one_output_per_tree", "multi_output_tree"])
@pytest.mark.parametrize("count", [1, 3])
def test_regressors_equal_the_booster(strategy, count):
    train = rows()
    booster = fit(train, targets(train, count), multi_strategy=strategy)
    edges = rows(50, missing=1.0)
    values = np.concatenate([rows(seed=9), edges])
    np.testing.assert_allclose(run(trees_to_onnx([booster]), values), predict(booster, values), atol=1e-5)


def test_values_on_and_beside_thresholds_take_the_same_branch():
    train = rows(missing=0.0)
    booster = fit(train, targets(train, 1))
    values = thresholds(booster, 4, np.random.default_rng(3))
    np.testing.assert_allclose(run(trees_to_onnx([booster]), values), predict(booster, values), atol=1e-5)


def test_boosters_are_merged_into_one_node_with_their_targets_side_by_side():
    train = rows()
    boosters = [fit(train, targets(train, 4)[:, i], max_depth=i + 1) for i in range(3)]
    boosters.append(fit(train, targets(train, 2), multi_strategy="multi_output_tree"))
    model = trees_to_onnx(boosters)
    assert [node.op_type for node in model.graph.node] == ["TreeEnsembleRegressor"]
    wanted = np.concatenate([predict(booster, train) for booster in boosters], axis=1)
    np.testing.assert_allclose(run(model, train), wanted, atol=1e-5)


def test_classifier_gives_the_probabilities_of_the_booster():
    train = rows()
    labels = np.random.default_rng(5).integers(0, 3, len(train))
    booster = fit(train, labels, objective="multi:softprob", num_class=3)
    got = run(trees_to_onnx([booster]), train)
    np.testing.assert_allclose(got, predict(booster, train), atol=1e-5)
    np.testing.assert_allclose(got.sum(axis=1), 1, atol=1e-5)


@pytest.mark.parametrize("strategy", ["one_output_per_tree", "multi_output_tree"])
def test_trees_that_are_a_single_leaf(strategy):
    train = rows(40)
    booster = fit(train, np.full((40, 2), 7.5), multi_strategy=strategy)
    np.testing.assert_allclose(run(trees_to_onnx([booster]), train), predict(booster, train), atol=1e-5)


def test_given_base_score_is_kept():
    train = rows()
    booster = fit(train, targets(train, 1), base_score=123.0)
    np.testing.assert_allclose(run(trees_to_onnx([booster]), train), predict(booster, train), atol=1e-4)


def test_same_boosters_give_the_same_bytes():
    train = rows()
    first, second = (finish(trees_to_onnx([fit(train, targets(train, 2))])) for _ in range(2))
    assert first == second


@pytest.mark.parametrize(
    ("parameters", "words"),
    [({"objective": "count:poisson"}, "count:poisson"), ({"booster": "dart"}, "dart")],
)
def test_what_cannot_be_exported_is_refused(parameters, words):
    train = rows()
    booster = fit(train, np.abs(targets(train, 1)), **parameters)
    with pytest.raises(TrainingError, match=words):
        trees_to_onnx([booster])


def test_categorical_splits_are_refused():
    values = np.repeat(np.arange(4.0, dtype=np.float32), 20).reshape(-1, 1)
    matrix = xgboost.DMatrix(
        values, label=np.tile(values[:, 0] % 2, 1), feature_types=["c"], enable_categorical=True
    )
    booster = xgboost.train({"tree_method": "hist", "max_cat_to_onehot": 1, "nthread": 1}, matrix, 2)
    with pytest.raises(TrainingError, match="categorical"):
        trees_to_onnx([booster])


def test_boosters_over_different_inputs_or_none_are_refused():
    narrow, wide = rows(features=4), rows(features=5)
    boosters = [fit(values, targets(values, 1)) for values in (narrow, wide)]
    with pytest.raises(TrainingError, match="same number of features"):
        trees_to_onnx(boosters)
    with pytest.raises(TrainingError, match="same number of features"):
        trees_to_onnx([])
