"""Links that die, stall, jump, or are measured wrongly: forecasts stay sane, and say that they are unsure."""

import math
from random import Random

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from made_links import context

from dwcp.errors import InputError
from dwcp.tasks.bandwidth.contract import Action, Outcome, Step
from dwcp.tasks.bandwidth.forecast import Forecast
from dwcp.tasks.bandwidth.predictor import BandwidthPredictor
from dwcp.tasks.bandwidth.task import TASK

NOWHERE = context([])
STEADY = (100 * np.exp(0.1 * np.random.default_rng(3).standard_normal(80))).tolist()
FABRIC = Step(9_400.0, rtt_ms=0.3, jitter_ms=0.05, packet_loss=0.0)
NAN, INF = math.nan, math.inf

POLICIES = {policy.name: policy for policy in (TASK.fallback(), *TASK.baselines(), TASK.online())}


def told(predictor: BandwidthPredictor, measured: list, began_s: float = 0.0) -> list[Forecast]:
    found = []
    for second, step in enumerate(measured):
        predictor.update(step, now=began_s + second)
        found.append(predictor.predict(now=began_s + second))
    return found


def decided(name: str, values: list) -> Action:
    return POLICIES[name].decide(context(values), 0.0, Random(0)).action


def width(action: Action) -> float:
    one = action.next_step
    return math.log((one.high + 1e-3) / (one.low + 1e-3))


@pytest.mark.parametrize("measured", [[0.0], [0.0] * 4, [Step(0.0, packet_loss=1.0)]], ids=str)
def test_of_a_link_that_never_delivered_nothing_is_known(measured: list) -> None:
    forecast = told(BandwidthPredictor(), measured)[-1]
    assert forecast.notes == ("stalled",)
    assert forecast.action.next_step.low == 0
    assert forecast.action.next_step.high >= 1_000
    assert forecast.action.confidence < 0.2


@pytest.mark.parametrize("name", POLICIES)
def test_a_policy_by_itself_is_unsure_of_it_too(name: str) -> None:
    action = decided(name, [0.0])
    assert TASK.admissible(NOWHERE, action)
    assert action.next_step.low == 0
    assert action.next_step.high > 1
    if name.startswith("blend"):
        assert action.confidence < 0.2


@pytest.mark.parametrize("before", [STEADY, [FABRIC] * 80], ids=["steady", "fabric"])
def test_a_link_that_dies_may_come_back_for_as_long_as_that_is_likely(before: list) -> None:
    predictor = BandwidthPredictor()
    usual = told(predictor, before)[-1].action
    dead = [forecast.action for forecast in told(predictor, [0.0] * 50, began_s=80.0)]
    assert all("stalled" in one.notes for one in told(predictor, [0.0] * 3, began_s=130.0))
    assert all(one.next_step.low < 1 for one in dead[1:])
    assert all(one.next_step.high >= 0.8 * usual.next_step.low for one in dead[:18])
    assert all(one.horizon.high >= 0.3 * usual.horizon.low for one in dead)
    assert max(one.confidence for one in dead[:3]) < 0.5 * usual.confidence
    assert dead[40].next_step.high < usual.next_step.low
    assert dead[0].confidence < dead[40].confidence < 1


def test_after_an_outage_it_tells_of_the_link_again() -> None:
    predictor = BandwidthPredictor()
    told(predictor, STEADY)
    told(predictor, [0.0] * 30, began_s=80.0)
    again = [forecast.action.next_step for forecast in told(predictor, STEADY, began_s=110.0)]
    assert 60 < again[6].mid < 160
    assert all(one.high <= 100 * max(STEADY) for one in again)


JUMPS = {"up": 100.0, "down": 0.01, "far up": 1e4, "far down": 1e-4}


@pytest.mark.parametrize("times", JUMPS.values(), ids=JUMPS)
@pytest.mark.parametrize("spread", [0.02, 0.1, 0.4])
def test_a_jump_is_noticed_doubted_and_followed(times: float, spread: float) -> None:
    rng = np.random.default_rng(5)
    before, after = (100 * np.exp(spread * rng.standard_normal((2, 80)))).tolist()
    predictor = BandwidthPredictor()
    usual = told(predictor, before)[-1].action
    level = [mbps * times for mbps in after[:20]]
    found = told(predictor, level, began_s=80.0)
    for forecast in found[:4]:
        assert "jumped" in forecast.notes
        assert width(forecast.action) > 1.5 * width(usual)
        assert forecast.action.confidence < 0.5 * usual.confidence
    for forecast, came in zip(found[:-1], level[1:], strict=True):
        one = forecast.action.next_step
        assert one.low <= 1.5 * came
        assert one.high >= came / 1.5
    assert level[0] / 3 < found[-1].action.next_step.mid < level[0] * 3


@pytest.mark.parametrize("name", ["fallback", "blend-of-rules", "blend"])
@pytest.mark.parametrize("times", JUMPS.values(), ids=JUMPS)
def test_policies_doubt_a_new_level_until_it_has_lasted(name: str, times: float) -> None:
    usual = decided(name, STEADY[:60])
    for since in range(1, 5):
        odd = decided(name, STEADY[since:60] + [100 * times] * since)
        assert TASK.admissible(NOWHERE, odd)
        assert width(odd) > 1.5 * width(usual)
        assert name == "fallback" or odd.confidence < 0.5 * usual.confidence


BAD = {
    "not a number": [NAN],
    "infinite": [INF],
    "negative": [-5.0],
    "more than there can be": [1e12],
    "all of it": [Step(NAN, NAN, INF, 7.0, -3, -1)],
    "a round trip that cannot be": [Step(100.0, rtt_ms=-1.0)],
    "many in a row": [NAN, INF, -1.0, NAN],
}


@pytest.mark.parametrize("name", BAD)
def test_a_measurement_that_cannot_be_true_is_said_and_doubted(name: str) -> None:
    predictor = BandwidthPredictor()
    usual = told(predictor, STEADY)[-1].action
    forecast = told(predictor, BAD[name], began_s=80.0)[-1]
    assert "bad_sample" in forecast.notes
    assert width(forecast.action) > 1.5 * width(usual)
    assert forecast.action.confidence < 0.6 * usual.confidence
    assert 70 < forecast.action.next_step.mid < 140


def test_time_that_goes_back_or_is_none_is_said() -> None:
    predictor = BandwidthPredictor()
    usual = told(predictor, STEADY, began_s=1_000.0)[-1].action
    forecast = told(predictor, STEADY[:1], began_s=500.0)[-1]
    assert "clock_went_back" in forecast.notes
    assert width(forecast.action) > 1.5 * width(usual)
    assert forecast.action.confidence < 0.6 * usual.confidence
    for now in (NAN, INF, -INF):
        with pytest.raises(InputError, match="finite number of seconds"):
            predictor.update(100.0, now=now)
        with pytest.raises(InputError, match="finite number of seconds"):
            predictor.predict(now=now)


_NUMBERS = st.one_of(
    st.floats(),
    st.floats(0, 1e4),
    st.sampled_from([0.0, 1e-320, 1e-9, 1e7, 1.0001e7, 1e308, -0.0, NAN, INF, -INF]),
)
_JUNK = st.builds(
    Step,
    st.none() | _NUMBERS,
    st.none() | _NUMBERS,
    st.none() | _NUMBERS,
    st.none() | _NUMBERS,
    st.none() | st.integers(),
    st.none() | st.integers(),
    st.booleans(),
)
_TIMES = st.sampled_from([1.0, 1.0, 1.0, 0.0, 0.3, 2.0, 70.0, 1e5, -1.0, -500.0, 1e12, -1e12])
_SEQUENCES = st.lists(st.tuples(st.one_of(_JUNK, _JUNK.map(lambda s: s.throughput_mbps or 0.0)), _TIMES))


@settings(max_examples=60, deadline=None, derandomize=True)
@given(sequence=_SEQUENCES, repeats=st.integers(1, 4))
def test_any_junk_at_any_time_gives_a_sane_forecast(sequence: list, repeats: int) -> None:
    predictor, now = BandwidthPredictor(), 1e6
    for measured, passed in sequence * repeats:
        now += passed
        predictor.update(measured, now=now)
        forecast = predictor.predict(now=now)
        assert TASK.admissible(NOWHERE, forecast.action), (forecast, measured)
        assert forecast.notes == tuple(dict.fromkeys(forecast.notes))
        odd = {"no_data", "stale", "stalled", "jumped", "bad_sample"} & set(forecast.notes)
        assert not odd or forecast.action.confidence < 1


@settings(max_examples=40, deadline=None, derandomize=True)
@given(steps=st.lists(_JUNK, max_size=70), after=_JUNK, epoch_s=st.floats(-1e12, 1e12))
def test_every_policy_answers_any_junk_admissibly(steps: list[Step], after: Step, epoch_s: float) -> None:
    now = context(steps, epoch_s)
    for policy in POLICIES.values():
        action = policy.decide(now, 0.0, Random(0)).action
        assert TASK.admissible(now, action), policy.name
        policy.observe(now, action, Outcome((after,)), 0.0)
