"""Hard rules and simple detectors."""

from dataclasses import replace
from random import Random

import numpy as np
import pytest

from dwcp.tasks.consensus.contract import Context, Step
from dwcp.tasks.consensus.rules import (
    HOLD,
    RulePolicy,
    broken_rules,
    flagged,
    hard_ratio,
    pca_residual,
    robust_z,
)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"members_up": 2.0}, "1 of 3 members do not answer"),
        ({"leader_known": 0.0}, "no member leads"),
        ({"leaderless": 1.0}, "1 member knows no leader"),
        ({"leaderless": 2.0}, "2 members know no leader"),
        ({"active_nodes": 1.0}, "fewer members than a quorum are active"),
        ({"oldest_ms": 1500.0}, "a request is 1500 ms old"),
    ],
)
def test_each_hard_rule_is_told_in_words(context_of, calm, change, words):
    assert broken_rules(context_of(replace(calm, **change))) == (words,)


def test_a_calm_group_breaks_no_rule_and_none_is_broken_by_what_is_not_measured(context_of):
    assert broken_rules(context_of()) == ()
    assert broken_rules(Context("group", (Step(queue_depth=1.0),))) == ()
    assert hard_ratio(Context("group", ())) == 0.0


def test_three_silent_seconds_are_an_anomaly(context_of):
    assert hard_ratio(context_of(Step(), Step())) < 1
    assert broken_rules(context_of(Step(), Step(), Step())) == ("nothing was told for 3 s",)


@pytest.mark.parametrize("rule", [robust_z, pca_residual])
def test_statistics_rise_with_latency_and_not_without(context_of, calm, rule):
    slow = replace(calm, latency_p50_ms=400.0, latency_p95_ms=900.0, latency_p99_ms=1200.0)
    assert rule(context_of(calm)) < 0.5
    assert rule(context_of(slow, slow, slow)) > 1


def test_a_rule_is_debounced_by_what_was_said_before(context_of, calm):
    policy, lost = RulePolicy("fallback", hard_ratio), replace(calm, members_up=2.0)
    said = []
    for step in (calm, lost, lost):
        context = context_of(step)
        action = policy.decide(context, 0.0, Random(1)).action
        policy.observe(context, action, None, 0.0)
        said.append((action.anomalous, action.alarm))
    assert said == [(False, False), (True, False), (True, True)]


def test_while_an_alarm_stands_a_lower_margin_keeps_it_and_a_rule_needs_none():
    near = 2.0 - HOLD / 2
    margins = np.array([near, near, 3.0, near, 3.0, near, near, 0.0, 0.0, near, near])
    none = np.zeros(len(margins), dtype=bool)
    expected = [False, False, True, False, True, True, True, False, False, False, False]
    assert flagged(margins, none, 2.0).tolist() == expected
    assert flagged(margins, ~none, np.inf).all()
    assert flagged(margins, none, 2.0 - HOLD).tolist() == [*[True] * 7, False, False, True, True]
