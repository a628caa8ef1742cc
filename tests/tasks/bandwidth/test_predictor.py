"""The published interface: sane whatever comes, and the same after a restart."""

import json
import math
from dataclasses import astuple, replace
from pathlib import Path
from random import Random

import numpy as np
import pytest

from dwcp.errors import InputError, StorageError
from dwcp.evaluation.policy import Decision, State
from dwcp.tasks.bandwidth.contract import Action, Context, Outcome, Quantiles, Step
from dwcp.tasks.bandwidth.forecast import MODES, Forecast, Mode
from dwcp.tasks.bandwidth.modes import ModeSettings
from dwcp.tasks.bandwidth.policy import BlendPolicy
from dwcp.tasks.bandwidth.predictor import BandwidthPredictor
from dwcp.tasks.bandwidth.service import ForecastService

FABRIC = Step(9_400.0, rtt_ms=0.3, jitter_ms=0.05, packet_loss=0.0)
FAR = Step(40.0, rtt_ms=90.0, jitter_ms=12.0, packet_loss=0.01)


class LastValue:
    """Says what was, with 20% to each side; keeps what it was told."""

    name = "last"

    def __init__(self) -> None:
        self.told: list[tuple[Context, Action, Outcome]] = []
        self.forgotten: list[str] = []
        self.state: State = {"n": 0}

    def decide(self, context: Context, _now: float, _rng: Random) -> Decision[Action]:
        known = [step.throughput_mbps for step in context.steps if step.throughput_mbps is not None]
        mid = known[-1] if known else 10.0
        told = Quantiles(mid / 1.25, mid, mid * 1.25)
        return Decision(Action(told, told, 0.9, 1.0, 0.1, 0.0))

    def observe(self, context: Context, action: Action, outcome: Outcome, _now: float) -> None:
        self.told.append((context, action, outcome))

    def snapshot(self) -> State:
        return self.state

    def restore(self, state: State) -> None:
        if "n" not in state:
            raise KeyError("n")
        self.state = state

    def forget(self, path: str) -> None:
        self.forgotten.append(path)


def rates(seed: int, count: int, mid: float = 100.0, spread: float = 0.1) -> list[float]:
    return (mid * np.exp(spread * np.random.default_rng(seed).standard_normal(count))).tolist()


def run(predictor: BandwidthPredictor, steps: list, began_s: float = 0.0, path: str = "") -> list[Forecast]:
    """Told of each step, and asked after it."""
    found = []
    for second, step in enumerate(steps):
        predictor.update(step, path, began_s + second)
        found.append(predictor.predict(path=path, now=began_s + second))
    return found


def sane(forecast: Forecast) -> bool:
    told = (forecast.action.next_step, forecast.action.horizon)
    return all(0 <= one.low <= one.mid <= one.high < math.inf for one in told)


def width(forecast: Forecast) -> float:
    told = forecast.action.next_step
    return math.log((told.high + 1e-3) / (told.low + 1e-3))


def test_without_any_data_it_says_so() -> None:
    predictor = BandwidthPredictor(clock=lambda: 5.0)
    forecast = predictor.predict()
    assert sane(forecast)
    assert (forecast.mode, forecast.steps, forecast.notes, forecast.at_s) == ("unknown", 0, ("no_data",), 5.0)
    assert forecast.action.confidence == 0.0
    assert predictor.mode == "unknown"


def test_a_history_of_throughputs_is_enough() -> None:
    predictor = BandwidthPredictor(mode="internet", clock=lambda: 0.0)
    forecast = predictor.predict(rates(1, 60))
    assert 80 < forecast.action.next_step.mid < 120
    assert forecast.notes == ()
    assert forecast.steps == 60


@pytest.mark.parametrize("mode", MODES)
def test_the_mode_is_the_one_asked_for_or_detected(mode: Mode) -> None:
    predictor = BandwidthPredictor(mode=mode, clock=lambda: 0.0)
    assert predictor.predict([FABRIC] * 40).mode == (mode if mode != "auto" else "datacenter")
    assert predictor.predict([FAR] * 40).mode == (mode if mode != "auto" else "internet")


def test_each_path_has_its_own_mode_and_history() -> None:
    predictor = BandwidthPredictor()
    run(predictor, [FABRIC] * 20, path="near")
    [*_, far] = run(predictor, [FAR] * 20, path="far")
    assert (predictor.mode_of("near"), predictor.mode_of("far"), predictor.mode) == (
        "datacenter",
        "internet",
        "internet",
    )
    assert far.action.next_step.mid < 100
    assert predictor.mode_of("nowhere") == "unknown"


def test_the_policy_is_told_its_own_forecast_with_the_step_that_came() -> None:
    policy = LastValue()
    predictor = BandwidthPredictor(policy=policy)
    run(predictor, [10.0, 20.0, 30.0], path="p")
    came = [(context.path, action.next_step.mid, outcome.steps) for context, action, outcome in policy.told]
    assert came == [("p", 10.0, (Step(20.0),)), ("p", 20.0, (Step(30.0),))]


def test_asked_twice_in_a_step_the_first_forecast_is_judged() -> None:
    policy = LastValue()
    predictor = BandwidthPredictor(policy=policy)
    predictor.update(10.0, now=0.0)
    for now in (0.0, 0.4, 0.9):
        predictor.predict(now=now)
    predictor.update(20.0, now=1.0)
    assert [context.epoch_s for context, _, _ in policy.told] == [0.0]


def test_steps_that_were_missed_are_told_as_not_measured() -> None:
    policy = LastValue()
    predictor = BandwidthPredictor(mode="internet", policy=policy)
    predictor.update(10.0, now=0.0)
    assert predictor.predict(now=0.0).notes == ()
    late = predictor.predict(now=3.0)
    assert (late.notes, late.steps) == (("stale",), 4)
    predictor.update(20.0, now=5.0)
    assert policy.told == []
    assert predictor.predict(now=5.0).steps == 6


def test_a_policy_with_no_forgetting_drifts_as_well() -> None:
    policy = LastValue()
    predictor = BandwidthPredictor(policy=policy, clock=lambda: 0.0)
    calm, wild = rates(1, 200, spread=0.03), rates(2, 60, spread=1.5)
    before = run(predictor, calm, path="p")[-1]
    assert predictor.retraining == ()
    after = run(predictor, wild, began_s=200.0, path="p")
    first = next(forecast for forecast in after if "drift" in forecast.notes)
    assert width(first) == pytest.approx(2 * width(before), rel=0.01)
    assert policy.forgotten[0] == "p"
    assert [drift.path for drift in predictor.take_retraining()] == ["p"]
    assert predictor.retraining == ()


@pytest.mark.parametrize(
    ("odd", "note"),
    [
        ([0.0, 0.0], "stalled"),
        ([10_000.0], "jumped"),
        ([0.9], "jumped"),
        ([math.nan], "bad_sample"),
        ([-5.0], "bad_sample"),
        ([Step(math.inf, rtt_ms=math.nan, packet_loss=7.0)], "bad_sample"),
        ([Step(None)], "stale"),
    ],
)
def test_whatever_a_link_does_the_forecast_is_sane_and_wider_and_says_why(odd: list, note: str) -> None:
    predictor = BandwidthPredictor()
    usual = run(predictor, rates(3, 80))[-1]
    forecast = run(predictor, odd, began_s=80.0)[-1]
    assert sane(forecast)
    assert note in forecast.notes
    assert width(forecast) > 1.5 * width(usual)
    later = run(predictor, rates(4, 40), began_s=80.0 + len(odd))
    assert all(sane(one) for one in later)
    assert later[-1].notes in ((), ("drift",))


def test_time_that_goes_back_is_said_and_survived() -> None:
    predictor = BandwidthPredictor()
    usual = run(predictor, rates(3, 80), began_s=1_000.0)[-1]
    [first, *rest] = run(predictor, rates(4, 80), began_s=0.0)
    assert "clock_went_back" in first.notes
    assert width(first) > 1.5 * width(usual)
    assert sane(first)
    assert rest[-1].notes == ()


class Views(LastValue):
    """Sure of what it says under one of the regimes, and what that is."""

    def __init__(self) -> None:
        super().__init__()
        self.said = {"datacenter": (100.0, 0.9), "internet": (200.0, 0.3)}

    def decide(self, context: Context, _now: float, _rng: Random) -> Decision[Action]:
        mid, sure = self.said[context.regime]
        told = Quantiles(mid / 2, mid, mid * 2)
        return Decision(Action(told, told, sure, mid / 10, 1.0, 0.0))


def test_in_hybrid_conditions_both_regimes_are_asked_and_the_surer_counts_more() -> None:
    policy = Views()
    action = BandwidthPredictor("hybrid", policy, clock=lambda: 0.0).predict([150.0] * 40).action
    assert action.next_step == Quantiles(62.5, 125.0, 250.0)
    assert (action.confidence, action.rtt_ms) == pytest.approx((0.75, 12.5))
    policy.said = {"datacenter": (100.0, 0.0), "internet": (200.0, 0.0)}
    unsure = BandwidthPredictor("hybrid", policy, clock=lambda: 0.0).predict([150.0] * 40).action
    assert (unsure.next_step.mid, unsure.confidence) == (150.0, 0.0)


def test_without_a_model_hybrid_lies_between_thirty_steps_and_sixty() -> None:
    """The older half of the history is at another level, which the regime of thirty steps doesn't look at."""
    history = [10.0 + step % 3 for step in range(30)] + rates(6, 30, spread=0.4)
    told = {
        mode: BandwidthPredictor(mode, clock=lambda: 0.0).predict(history).action
        for mode in ("datacenter", "internet", "hybrid")
    }
    one, other, both = (told[mode].next_step for mode in ("datacenter", "internet", "hybrid"))
    assert one != other
    for name in ("low", "mid", "high"):
        ends = sorted((getattr(one, name), getattr(other, name)))
        assert ends[0] <= getattr(both, name) <= ends[1]
    assert sane(BandwidthPredictor("hybrid").predict([], now=0.0))


def test_a_switch_of_the_mode_loses_no_history() -> None:
    settings = ModeSettings(every_s=1.0, samples=5, votes=1, cooldown_s=0.0)
    policy = LastValue()
    predictor = BandwidthPredictor(policy=policy, mode_settings=settings)
    near = run(predictor, [FABRIC] * 40)
    far = run(predictor, [FAR] * 40, began_s=40.0)
    assert (near[-1].mode, near[-1].steps) == ("datacenter", 30)
    assert (far[-1].mode, far[-1].steps) == ("internet", 60)
    again = run(predictor, [FABRIC] * 10, began_s=80.0)
    assert (again[-1].mode, again[-1].steps) == ("datacenter", 30)
    assert policy.told[-1][0].steps == (*[FAR] * 21, *[FABRIC] * 9)


def test_a_drift_resets_widens_and_is_in_the_queue_until_a_new_model_serves(tmp_path: Path) -> None:
    policy = BlendPolicy(name="blend-1.0.0")
    predictor = BandwidthPredictor("internet", policy)
    usual = run(predictor, rates(1, 200, spread=0.03), path="p")[-1]
    assert usual.retraining is None
    learned, found = len(policy.snapshot()["paths"]["p"]["tails"][0][0]), []
    for second, mbps in enumerate(rates(2, 60, spread=1.5), 200):
        if drift := predictor.update(mbps, "p", float(second)):
            assert policy.snapshot()["paths"] == {}
            found.append((drift, predictor.predict(path="p", now=float(second))))
            break
        predictor.predict(path="p", now=float(second))
    [(drift, forecast)] = found
    assert learned == 199
    assert (forecast.retraining, predictor.retraining) == (drift, (drift,))
    assert "drift" in forecast.notes
    assert width(forecast) > 2 * width(usual)
    assert forecast.action.confidence < 0.5 * usual.action.confidence
    assert ForecastService(predictor, "p").retraining == (drift,)
    predictor.save(tmp_path / "s.json")
    restarted = BandwidthPredictor("internet", BlendPolicy(name="blend-1.0.0"))
    restarted.load(tmp_path / "s.json")
    assert restarted.predict(path="p", now=float(second)).retraining == drift
    trained = BandwidthPredictor("internet", BlendPolicy(name="blend-1.1.0"))
    trained.load(tmp_path / "s.json")
    assert trained.retraining == ()
    assert trained.predict(path="p", now=float(second)).steps == 60


def test_any_history_at_all_gives_a_sane_forecast() -> None:
    rng = np.random.default_rng(11)
    odd = [0.0, -1.0, math.nan, math.inf, 1e9, 1e-12, 5.0, 5_000.0]
    for _ in range(100):
        predictor = BandwidthPredictor()
        values = [float(rng.choice(odd)) for _ in range(int(rng.integers(0, 70)))]
        assert sane(predictor.predict(values, now=float(rng.uniform(-10, 1e10))))


def test_a_restart_changes_nothing(tmp_path: Path) -> None:
    file = tmp_path / "state" / "forecasts.json"
    steps = [replace(FAR, throughput_mbps=mbps) for mbps in rates(5, 120, spread=0.5)]
    whole, first, second = BandwidthPredictor(), BandwidthPredictor(), BandwidthPredictor()
    wanted = run(whole, steps)
    run(first, steps[:70])
    first.save(file)
    second.load(file)
    second.predict(now=69.0)  # what is asked is not saved
    assert [astuple(one) for one in run(second, steps[70:], began_s=70.0)] == [
        astuple(one) for one in wanted[70:]
    ]


def test_after_a_long_time_away_the_history_says_little() -> None:
    predictor = BandwidthPredictor()
    run(predictor, rates(5, 80))
    late = predictor.predict(now=10_000.0)
    assert sane(late)
    assert "stale" in late.notes or "no_data" in late.notes


def test_it_is_bounded(tmp_path: Path) -> None:
    predictor = BandwidthPredictor()
    for number in range(300):
        predictor.update(10.0, path=f"p{number}", now=0.0)
    assert predictor.mode_of("p0") == "unknown"
    predictor.save(tmp_path / "s.json")
    assert len(json.loads((tmp_path / "s.json").read_text())["paths"]) == 256


@pytest.mark.parametrize(
    "text",
    [
        "",
        "{",
        "[]",
        "null",
        "NaN",
        '{"format": -Infinity}',
        "[" * 9_999,
        '{"format": 1}',
        '{"format": 1, "policy": {}, "paths": []}',
    ],
)
def test_a_file_of_something_else_is_refused_in_a_sentence(text: str, tmp_path: Path) -> None:
    file = tmp_path / "s.json"
    file.write_text(text)
    with pytest.raises(InputError, match="holds no saved predictor"):
        BandwidthPredictor().load(file)


def test_a_file_that_is_not_there_or_of_another_predictor_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "s.json"
    with pytest.raises(InputError, match="no such file"):
        BandwidthPredictor().load(file)
    BandwidthPredictor(step_s=2.0).save(file)
    with pytest.raises(InputError, match="by another predictor"):
        BandwidthPredictor().load(file)
    with pytest.raises(InputError, match="by another predictor"):
        BandwidthPredictor(policy=LastValue(), step_s=2.0).load(file)


def test_a_damaged_file_changes_nothing(tmp_path: Path) -> None:
    file, policy = tmp_path / "s.json", LastValue()
    predictor = BandwidthPredictor(policy=policy)
    run(predictor, [10.0] * 10)
    predictor.save(file)
    state = json.loads(file.read_text())
    for damage in ({"policy": {"name": "last", "state": {}}}, {"drift": {}}, {"paths": {"": {"last_s": 1}}}):
        file.write_text(json.dumps(state | damage))
        with pytest.raises(InputError, match="holds no saved predictor"):
            predictor.load(file)
        assert predictor.predict(now=9.0).steps == 10
        assert policy.state == {"n": 0}


def test_a_place_that_cannot_be_written_is_said(tmp_path: Path) -> None:
    (tmp_path / "in the way").write_text("")
    with pytest.raises(StorageError, match="cannot be written"):
        BandwidthPredictor().save(tmp_path / "in the way" / "s.json")


def test_what_makes_no_sense_is_refused() -> None:
    with pytest.raises(InputError, match="no mode 'moon'; there are auto"):
        BandwidthPredictor(mode="moon")  # type: ignore[arg-type]
    for step_s in (0.0, -1.0, math.nan, math.inf):
        with pytest.raises(InputError, match="positive number of seconds"):
            BandwidthPredictor(step_s=step_s)
