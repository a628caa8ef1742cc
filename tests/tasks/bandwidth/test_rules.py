from random import Random

import pytest
from made_links import context, noisy, steps

from dwcp.tasks.bandwidth.contract import Step
from dwcp.tasks.bandwidth.rules import UNKNOWN, RulePolicy, fallback_policy, other_figures
from dwcp.tasks.bandwidth.walks import WALKS

RULES = [RulePolicy(name, walk) for name, walk in WALKS.items()]


def forecast(policy, values):
    return policy.decide(context(values), 0.0, Random(0)).action


def test_the_fallback_is_the_last_value() -> None:
    assert forecast(fallback_policy(), [3.0, 9.0, 6.0]).next_step.mid == pytest.approx(6.0)


@pytest.mark.parametrize("policy", RULES, ids=lambda rule: rule.name)
def test_quantiles_are_in_order_and_wider_where_the_link_moves_more(policy) -> None:
    quiet, wild = (forecast(policy, noisy(60, spread).tolist()).next_step for spread in (0.05, 0.6))
    for told in (quiet, wild):
        assert 0 <= told.low <= told.mid <= told.high
    assert wild.high / wild.low > 2 * quiet.high / quiet.low


def test_confidence_is_how_often_the_rule_was_right() -> None:
    steady, wild = (forecast(fallback_policy(), noisy(60, spread).tolist()) for spread in (0.01, 0.8))
    assert steady.confidence > 0.9
    assert wild.confidence < 0.4


@pytest.mark.parametrize("policy", RULES, ids=lambda rule: rule.name)
def test_nothing_measured_is_said(policy) -> None:
    for values in ([], [None], [float("nan"), float("inf")]):
        decision = policy.decide(context(values), 0.0, Random(0))
        assert decision.action.next_step == UNKNOWN
        assert decision.confidence == 0


def test_missing_steps_widen() -> None:
    known, missing = (forecast(fallback_policy(), [10.0, 11.0, 10.0, *extra]) for extra in ([], [None, None]))
    assert missing.next_step.high > known.next_step.high
    assert missing.confidence < known.confidence


def test_other_figures() -> None:
    made = (Step(1.0, 20.0, 2.0, 0.1), Step(1.0, None, None, 0.3), *steps([1.0], rtt_ms=float("nan")))
    assert other_figures(context(made)) == (20.0, 2.0, pytest.approx(0.2))
    assert other_figures(context([])) == (0.0, 0.0, 0.0)
