import pytest

from dwcp.evaluation.gates import Gate, check_gates

HIGH = Gate("within_5pct", 0.98, "at_least", "near the oracle")
LOW = Gate("mean_regret", 0.01, "at_most", "little lost")


def test_each_gate_is_held_against_its_own_figure() -> None:
    results = check_gates((HIGH, LOW), {"within_5pct": 0.98, "mean_regret": 0.02})
    assert [result.met for result in results] == [True, False]
    assert results[0].line() == "within_5pct: 0.98 (gate >= 0.98) met"
    assert results[1].line() == "mean_regret: 0.02 (gate <= 0.01) short"


@pytest.mark.parametrize("metrics", [{}, {"mean_regret": float("nan")}])
def test_a_missing_figure_is_never_met(metrics: dict[str, float]) -> None:
    (result,) = check_gates((LOW,), metrics)
    assert not result.met
    assert result.line() == "mean_regret: missing (gate <= 0.01) short"
