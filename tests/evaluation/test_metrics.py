import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dwcp.errors import InputError
from dwcp.evaluation.metrics import (
    agreement,
    disagreements,
    f1_by_margin,
    gain,
    margins,
    regrets,
    strict_accuracy,
    summary,
    within,
)
from dwcp.evaluation.policy import Case
from dwcp.evaluation.replay import Replay, judge

Plain = Case[None, str, float]


def seconds(context: None, outcome: float) -> float:
    return outcome


def row(group: str = "g", **outcomes: float) -> Plain:
    return Case(None, outcomes, group)


ROWS = [row(a=100.0, b=101.0), row(a=100.0, b=104.0), row(a=100.0, b=150.0), row(a=200.0, b=100.0)]


def judged(*chosen: str, rows: list[Plain] = ROWS) -> Replay[str]:
    return judge(rows, chosen, seconds, "policy")


def test_accuracy_widens_with_the_tolerance() -> None:
    always_b = judged(*"bbbb")
    assert strict_accuracy(always_b) == 0.25
    assert [within(always_b, tolerance) for tolerance in (0.01, 0.02, 0.05, 0.5)] == [0.5, 0.5, 0.75, 1.0]


def test_an_exact_tie_is_right() -> None:
    tied = judged("b", rows=[row(a=1.0, b=1.0)])
    assert strict_accuracy(tied) == 1.0
    assert margins(tied).tolist() == [0.0]


def test_regret_is_a_share_of_the_oracles_cost() -> None:
    figures = summary(judged(*"bbba"))
    assert figures["mean_regret"] == pytest.approx((0.01 + 0.04 + 0.5 + 1.0) / 4)
    assert figures["p99_regret"] == pytest.approx(1.0)
    assert figures["total_cost"] == pytest.approx(555.0)
    assert figures["decisions"] == 4


def test_a_free_oracle_makes_regret_nothing_or_infinite() -> None:
    rows = [row(a=0.0, b=0.0), row(a=0.0, b=1.0)]
    assert regrets(judged("b", "b", rows=rows)).tolist() == [0.0, math.inf]
    assert margins(judged("a", "a", rows=rows)).tolist() == [0.0, math.inf]


def test_f1_counts_only_what_noise_cannot_flip() -> None:
    always_b = judged(*"bbbb")
    every, firm, none = f1_by_margin(always_b, (0.0, 0.1, 2.0))
    assert (every.decisions, firm.decisions, none.decisions) == (4, 2, 0)
    assert every.macro_f1 == pytest.approx(0.2)
    assert firm.macro_f1 == pytest.approx(1 / 3)
    assert math.isnan(none.macro_f1)
    (at_the_margin,) = f1_by_margin(always_b, (0.5,))
    assert at_the_margin.decisions == 1
    (alike,) = f1_by_margin(always_b, (0.0,), label=lambda _: "any")
    assert alike.macro_f1 == 1.0


def test_gain_is_the_share_of_total_cost_saved() -> None:
    assert gain(judged(*"aaab"), judged(*"aaaa")) == pytest.approx(0.2)
    assert gain(judged(*"aaaa"), judged(*"aaab")) == pytest.approx(-0.25)
    with pytest.raises(InputError, match="same rows"):
        gain(judged(*"aaab"), judged("a", rows=ROWS[:1]))
    free = judged("a", rows=[row(a=0.0)])
    with pytest.raises(InputError, match="total cost is zero"):
        gain(free, free)


def test_disagreements_name_the_dearest_first() -> None:
    first, second = disagreements(judged(*"bbba"))
    assert (first.best, first.chosen, first.decisions, first.extra_cost) == ("b", "a", 1, 100.0)
    assert (second.best, second.chosen, second.decisions, second.extra_cost) == ("a", "b", 3, 55.0)
    assert disagreements(judged(*"aaab")) == ()


costs = st.fixed_dictionaries({name: st.floats(0.1, 1e3) for name in "abc"})


@given(st.lists(costs, min_size=1, max_size=20))
def test_a_run_agrees_with_itself(outcomes: list[dict[str, float]]) -> None:
    run = [row(**each) for each in outcomes]
    same = agreement(run, run, seconds)
    assert (same.strict, same.mean_regret, same.noise_p95) == (1.0, 0.0, 0.0)
    assert set(same.within.values()) == {1.0}


def test_agreement_finds_the_near_tie_that_flips() -> None:
    first = [row(a=1.0, b=1.02), row(a=1.0, b=2.0)]
    second = [row(a=1.04, b=1.0), row(a=1.0, b=2.0)]
    found = agreement(first, second, seconds)
    assert found.strict == 0.5
    assert found.within == {0.01: 0.5, 0.02: 0.5, 0.05: 1.0}
    assert found.mean_regret == pytest.approx(0.02)
    assert found.noise_p95 == pytest.approx(0.04)
    with pytest.raises(InputError, match="same blocks in one order"):
        agreement(first, second[:1], seconds)


@given(st.lists(costs, min_size=1, max_size=20), st.data())
def test_figures_stay_in_their_ranges(outcomes: list[dict[str, float]], data: st.DataObject) -> None:
    rows = [row(**each) for each in outcomes]
    chosen = [data.draw(st.sampled_from("abc")) for _ in rows]
    result = judged(*chosen, rows=rows)
    figures = summary(result)
    shares = [figures[key] for key in ("strict_accuracy", "within_1pct", "within_2pct", "within_5pct")]
    assert shares == sorted(shares)
    assert 0 <= shares[0] <= shares[-1] <= 1
    assert figures["mean_regret"] >= 0
    assert 0 <= figures["macro_f1"] <= 1
    best = judged(*result.best, rows=rows)
    assert summary(best)["mean_regret"] == 0
    assert gain(best, result) >= 0
    assert np.all(regrets(result) >= 0)
