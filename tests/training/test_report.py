"""Who may be promoted, and the report's two forms."""

from dataclasses import replace

import pytest

from dwcp.evaluation import Comparison, Gate, Metric, PolicyRow, check_gates
from dwcp.registry.manifest import canonical_json
from dwcp.training.report import Part, TrainingReport, judge_promotion

NEAR = Gate("near", 0.9, "at_least", "near the oracle")
REGRET = Gate("regret", 0.1, "at_most", "little lost")
METRICS = {
    "model": {"near": 0.95, "regret": 0.05},
    "fallback": {"near": 0.90, "regret": 0.04},
    "zstd-3": {"near": 0.80, "regret": 0.30},
}


def judged(gates, metrics=METRICS):
    return judge_promotion(gates, metrics, "model", ["fallback", "zstd-3"])


def test_first_gate_names_the_metric_and_its_direction():
    better, worse = judged([NEAR, REGRET]), judged([REGRET, NEAR])
    assert (better.promotable, better.metric, better.best_baseline) == (True, "near", "fallback")
    assert better.why == "near is 0.95, better than the best baseline's (fallback: 0.9)"
    assert (worse.promotable, worse.metric, worse.best_baseline) == (False, "regret", "fallback")
    assert worse.why.endswith("(fallback: 0.04), which ships")


@pytest.mark.parametrize("figure", [0.90, 0.5, float("nan")])
def test_no_better_or_unknown_is_not_promotable(figure):
    assert not judged([NEAR], METRICS | {"model": {"near": figure}}).promotable


def test_missing_figure_of_the_model_is_not_promotable():
    assert not judged([NEAR], METRICS | {"model": {}}).promotable


def test_baseline_without_a_figure_is_passed_over():
    metrics = METRICS | {"fallback": {"near": float("nan")}}
    assert judged([NEAR], metrics).best_baseline == "zstd-3"
    nothing = judged([NEAR], METRICS | {"fallback": {}, "zstd-3": {}})
    assert not nothing.promotable
    assert "nothing to beat" in nothing.why


def test_a_task_without_gates_is_never_promotable():
    assert not judged([]).promotable


def report():
    gates = (NEAR, replace(REGRET, limit=0.01))
    rows = tuple(PolicyRow(name, {"near": figures["near"]}) for name, figures in METRICS.items())
    return TrainingReport(
        task="toy",
        data="9 cases",
        data_fingerprint="f" * 64,
        seed=1,
        epochs=2,
        split={"train": Part(6, 3), "validation": Part(2, 1), "test": Part(1, 1)},
        learned="model",
        cost_unit="s",
        metrics=METRICS,
        comparison=Comparison("toy", "9 cases", (Metric("near", "near"),), rows),
        gates=check_gates(gates, METRICS["model"]),
        verdict=judged(gates),
        fitted={"weights": "0.7|0.3", "loss": None},
        model_bytes=10,
        parity=1e-7,
        parity_rows=3,
        libraries={"numpy": "2"},
        instruction_set="x86_64-avx2",
    )


def test_markdown_says_what_json_says():
    text, plain = report().as_markdown(), report().as_json()
    assert plain["verdict"]["why"] in text
    assert plain["gates_met"] is False
    assert "- regret: 0.05 (gate <= 0.01) short: little lost" in text
    assert "| near | 0.95 | 0.9 | 0.8 |" in text
    assert "| validation | 2 | 1 |" in text
    assert "| weights | 0.7\\|0.3 |" in text
    assert "| parity over 3 rows | 1e-07 |" in text
    assert canonical_json(plain)
