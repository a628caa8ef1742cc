"""The graph's parts against the libraries, bit by bit where it must be."""

import numpy as np
import pytest

pytestmark = pytest.mark.train


def test_features_are_those_of_a_plain_computation_and_the_export_makes_the_same_bits() -> None:
    import torch

    from dwcp.features.spec import InputColumn
    from dwcp.task import OutputColumn
    from dwcp.tasks.reliability.contract import METRICS
    from dwcp.tasks.reliability.inputs import SPEC, arrays
    from dwcp.tasks.reliability.model.features import Features
    from dwcp.tasks.reliability.names import FEATURES
    from dwcp.tasks.reliability.task import TASK
    from dwcp.training.export import export_module, finish, merge
    from dwcp.training.graph import ExportedGraph

    given = arrays([case.context for case in TASK.examples(600, 3)])
    with torch.no_grad():
        found = Features()(torch.from_numpy(given["window"]), torch.from_numpy(given["peers"])).numpy()
    assert found.shape == (600, len(FEATURES))
    part = export_module(Features(), SPEC.columns, ["features"])
    outputs = [OutputColumn("features", "float32", (len(FEATURES),), "1", "")]
    columns: list[InputColumn] = list(SPEC.columns)
    graph = ExportedGraph(finish(merge({"features": part}, columns, outputs)))
    assert np.array_equal(graph.run(given)["features"], found)

    at = FEATURES.index
    window, peers = (
        np.where(given[name] < 0, np.nan, given[name].astype(float)) for name in ("window", "peers")
    )
    whole = np.isfinite(window).all(axis=(1, 2)) & np.isfinite(peers).all(axis=(1, 2))
    assert whole.sum() > 100
    window, peers, found = window[whole], peers[whole], found[whole]
    for name in ("cpu_usage", "p99_latency_ms"):
        place = METRICS.index(name)
        own, beside = window[:, :, place], peers[:, :, place]
        expected = {
            f"{name}_mean_15": own[:, -15:].mean(axis=1),
            f"{name}_std_5": own[:, -5:].std(axis=1),
            f"{name}_min_30": own.min(axis=1),
            f"{name}_max_30": own.max(axis=1),
            f"{name}_change": own[:, -1] - own[:, -2],
            f"peer_{name}": own[:, -1] - beside[:, -1],
            f"peer_{name}_max_5": own[:, -5:].max(axis=1) - beside[:, -5:].max(axis=1),
        }
        median = np.median(own[:, :25], axis=1)
        spread = (
            1.4826 * np.median(np.abs(own[:, :25] - median[:, None]), axis=1) + 1e-3 * np.abs(median) + 1e-6
        )
        expected[f"{name}_off_3"] = np.clip((own[:, -3:].mean(axis=1) - median) / spread, -1e4, 1e4)
        for feature, values in expected.items():
            assert found[:, at(feature)] == pytest.approx(values, rel=1e-3, abs=1e-4), feature
    tail = window[:, -1, METRICS.index("p99_latency_ms")] / np.maximum(
        window[:, -1, METRICS.index("p50_latency_ms")], 1e-3
    )
    assert found[:, at("tail_ratio")] == pytest.approx(tail, rel=1e-5)


def test_an_empty_window_has_finite_features() -> None:
    import torch

    from dwcp.tasks.reliability.contract import METRICS, STEPS
    from dwcp.tasks.reliability.model.features import Features

    missing = torch.full((2, STEPS, len(METRICS)), -1.0)
    found = Features()(missing, missing)
    assert torch.isfinite(found).all()
    assert found.abs().max() <= 1000.0


def test_the_forest_is_one_node_that_scores_as_scikit_learn_does() -> None:
    from dwcp.tasks.reliability.model.forest import average_path_length, fit_forest, forest_to_onnx
    from dwcp.training.graph import ExportedGraph

    rng = np.random.default_rng(4)
    rows = rng.normal(size=(2000, 12)).astype(np.float32)
    rows[:, 3] = np.round(rows[:, 3], 1)
    forest = fit_forest(rows, seed=1)
    model = forest_to_onnx(forest, 12, "rows", "path")
    assert [node.op_type for node in model.graph.node] == ["TreeEnsembleRegressor"]
    split = np.concatenate([grown.tree_.threshold[:40] for grown in forest.estimators_])
    edges = np.resize(split, (500, 12)).astype(np.float32)
    asked = np.concatenate([rng.normal(scale=3, size=(3000, 12)).astype(np.float32), edges])
    path = ExportedGraph(model.SerializeToString()).run({"rows": asked})["path"][:, 0]
    assert 2.0 ** -path.astype(float) == pytest.approx(-forest.score_samples(asked), rel=2e-6)
    # Harmonic numbers: the source's equation uses their logarithmic approximation.
    assert average_path_length(256) == pytest.approx(
        2 * sum(1 / number for number in range(1, 256)) - 2 * 255 / 256, rel=1e-3
    )
    assert [average_path_length(rows) for rows in (0, 1, 2)] == [0.0, 0.0, 1.0]


def test_a_part_without_a_fault_is_refused_in_a_sentence() -> None:
    from dwcp.errors import TrainingError
    from dwcp.task import TrainingOptions
    from dwcp.tasks.reliability.contract import FINE
    from dwcp.tasks.reliability.task import TASK

    cases = TASK.examples(200, 1)
    quiet = [case for case in cases if case.outcomes[FINE].kind == "quiet"]
    with pytest.raises(TrainingError, match="the training rows need labelled faults"):
        TASK.learner().fit(quiet, cases, TrainingOptions(epochs=1), lambda *_: None)


def test_a_threshold_of_rows_that_trees_never_saw_keeps_its_rate_on_new_ones() -> None:
    from dwcp.task import TrainingOptions
    from dwcp.tasks.reliability.calibration import conformal_threshold
    from dwcp.tasks.reliability.model.boosting import boost, margins, unseen_margins

    rng = np.random.default_rng(5)
    rows, new = (rng.normal(size=(count, 8)).astype(np.float32) for count in (1200, 4000))
    faults = rng.random(len(rows)) < 0.2
    rows[faults, 0] += 1.0
    options, fold = TrainingOptions(seed=1, epochs=30), np.arange(len(rows)) * 4 // len(rows)
    trees = boost(rows, faults, options)
    asked = margins(trees, new)
    unseen = unseen_margins(rows, faults, fold, 8, options)
    rates = [
        (asked > conformal_threshold(one[~faults], 0.05)).mean() for one in (unseen, margins(trees, rows))
    ]
    assert rates[0] == pytest.approx(0.05, abs=0.02)
    assert rates[1] > rates[0] + 0.02


def test_features_that_tell_are_kept_in_their_old_order() -> None:
    from dwcp.task import TrainingOptions
    from dwcp.tasks.reliability.model.boosting import boost, choose, gain_shares

    rng = np.random.default_rng(6)
    rows = rng.normal(size=(800, 30)).astype(np.float32)
    faults = rows[:, 4] + rows[:, 21] > 1.0
    options = TrainingOptions(seed=1, epochs=5)
    chosen = choose(rows, faults, 5, options)
    assert {4, 21} < set(chosen.tolist())
    assert sorted(chosen.tolist()) == chosen.tolist()
    assert len(chosen) == 5
    shares = gain_shares(boost(rows[:, chosen], faults, options), 5)
    assert shares.max() == 1.0
    assert sorted(chosen[shares > 0.2].tolist()) == [4, 21]
