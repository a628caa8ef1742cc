"""The learned policy: debounce, since when, evidence, and what it takes for usual."""

import json
from dataclasses import replace
from random import Random

from dwcp.tasks.consensus.contract import Step
from dwcp.tasks.consensus.policy import DetectorPolicy


def test_an_alarm_takes_two_flags_of_three_and_tells_since_when(graph, live):
    said = live(DetectorPolicy(graph), [4, 4, 30, 4, 30, 30, 4, 4, 4], start_s=100.0)
    assert [one.anomalous for one in said] == [False, False, True, False, True, True, False, False, False]
    assert [one.alarm for one in said] == [False, False, False, False, True, True, True, False, False]
    assert [one.since_s for one in said[4:]] == [104.0, 104.0, 104.0, None, None]


def test_an_episode_does_not_end_before_the_margin_is_clearly_below_the_threshold(graph, live):
    said = live(DetectorPolicy(graph), [19.5, 19.5, 30, 30, 19.5, 19.5, 18.5, 18.5, 19.5, 19.5])
    flags = [one.anomalous for one in said]
    assert flags == [False, False, True, True, True, True, False, False, False, False]
    assert [one.alarm for one in said[2:]] == [False, True, True, True, True, False, False, False]


def test_what_is_furthest_off_is_named_with_its_value(graph, live):
    said = live(DetectorPolicy(graph), [30.0])[0]
    assert [(one.feature, one.value) for one in said.evidence] == [("latency_p50_ms", 30.0)]
    assert said.probability > 0.99


def test_a_broken_hard_rule_is_flagged_whatever_the_model_says(graph, context_of, calm):
    lost = replace(calm, members_up=2.0, active_nodes=2.0)
    action = DetectorPolicy(graph).decide(context_of(lost), 0.0, Random(1)).action
    assert action.anomalous
    assert action.rules == ("1 of 3 members do not answer",)


def test_silence_is_a_state_and_then_an_anomaly(graph, context_of):
    policy = DetectorPolicy(graph)
    first, third = (policy.decide(context_of(*[Step()] * count), 0.0, Random(1)).action for count in (1, 3))
    assert (first.state, first.anomalous) == ("blind", False)
    assert (third.state, third.anomalous) == ("blind", True)


def test_the_threshold_follows_quiet_seconds_and_never_an_open_incident(graph, live):
    policy = DetectorPolicy(graph)
    live(policy, [21.0 if second % 20 == 0 else 10.0 for second in range(300)])
    assert not live(policy, [21.0])[0].anomalous
    incident = DetectorPolicy(graph)
    live(incident, [10.0] * 200 + [30.0] * 300)
    before = json.dumps(incident.snapshot()["groups"][0]["scores"]["scores"])
    assert "30.0" not in before
    assert live(incident, [30.0])[0].alarm


def test_levels_are_of_quiet_seconds_and_survive_a_restart_as_json(graph, live, context_of):
    policy = DetectorPolicy(graph)
    live(policy, [10.0, 11.0] * 60)
    restored = DetectorPolicy(graph)
    restored.restore(json.loads(json.dumps(policy.snapshot(), allow_nan=False)))
    assert json.dumps(restored.snapshot()) == json.dumps(policy.snapshot())
    restored.forget("group")
    assert restored.snapshot() == {"groups": []}
