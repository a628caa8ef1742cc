"""The pilot: forecasts steer what codecs, bundles and buffers go by, as long as the present allows."""

from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace

import pytest

from dwcp.serving import Hint, Reason
from dwcp.tasks.bandwidth.contract import Action, Context, Outcome, Quantiles
from dwcp.tasks.compression.contract import Link
from dwcp.telemetry import TcpInfo
from dwcp.transfer import Environment
from dwcp.transfer.amst import PathMemory, PathRecord
from dwcp.transfer.endpoints.flow import ReadyQueue
from dwcp.transfer.endpoints.pilot import Pilot

TOLD = Quantiles(15.0, 25.0, 40.0)


class Forecaster:
    def __init__(self, horizon: Quantiles = TOLD, confidence: float = 0.8) -> None:
        self.action = Action(horizon, horizon, confidence, 10.0, 1.0, 0.0)
        self.asked: list[Context] = []
        self.outcomes: list[Outcome] = []

    def ask(self, task_name: str, context: Context) -> Hint[Action]:
        del task_name
        self.asked.append(context)
        return Hint(self.action, Reason.MODEL, 1.0, None)

    def observe(self, task_name: str, context: Context, action: Action, outcome: Outcome) -> None:
        del task_name, context, action
        self.outcomes.append(outcome)


class Carrying:
    """One stream that carries what it is told to, always busy, over 20 ms."""

    def __init__(self) -> None:
        self.acked_bytes, self.busy_us = 0, 0
        self.fitted: list[Link] = []

    def carry(self, mbps: float, seconds: float) -> None:
        self.acked_bytes += round(mbps * 1e6 / 8 * seconds)
        self.busy_us += round(seconds * 1e6)

    def infos(self) -> dict[int, TcpInfo]:
        return {
            0: TcpInfo(
                app_limited=False,
                segment_bytes=1448,
                unacked_segments=0,
                rtt_us=20_000,
                rttvar_us=1_000,
                ssthresh_segments=2**31 - 1,
                cwnd_segments=10,
                retransmits=0,
                pacing_bytes_s=None,
                bytes_acked=self.acked_bytes,
                segments_out=0,
                notsent_bytes=0,
                min_rtt_us=19_000,
                data_segments_out=0,
                delivery_bytes_s=None,
                busy_us=self.busy_us,
                receiver_limited_us=0,
                buffer_limited_us=0,
                bytes_sent=self.acked_bytes,
                bytes_resent=0,
            )
        }

    def fit(self, link: Link) -> None:
        self.fitted.append(link)


class Flight:
    """A pilot that has begun, and the clock that only this moves."""

    def __init__(self, advisor: object = None, state: Path | None = None, rtt_us: int = 20_000) -> None:
        self.pilot = Pilot(2, "a:1", Environment(advisor=advisor, state=state))  # type: ignore[arg-type]
        self.streams, self.now = Carrying(), 0.0
        control = SimpleNamespace(rtt_us=rtt_us)
        self.pilot.begin(ReadyQueue(), control, 64, self.now, loss_based=True)  # type: ignore[arg-type]

    def fly(self, seconds: float, mbps: float) -> float:
        """Carry so much for so long; the bandwidth that the pilot then tells."""
        for _ in range(round(seconds * 10)):
            self.now += 0.1
            self.streams.carry(mbps, 0.1)
            credit = SimpleNamespace(exhausted=False)
            self.pilot.step(self.now, self.streams, credit, is_ending=False)  # type: ignore[arg-type]
        return self.pilot.link().bandwidth_mbps


def test_a_forecast_steers_until_the_present_contradicts_it() -> None:
    advisor = Forecaster()
    flight = Flight(advisor)
    assert flight.fly(3.0, 20.0) == TOLD.mid
    assert flight.fly(0.6, 60.0) == pytest.approx(60.0, rel=0.01), "more than was foretold"
    assert flight.fly(1.0, 5.0) == pytest.approx(5.0, rel=0.01), "less than was foretold"
    assert flight.fly(1.0, 20.0) == TOLD.mid


def test_the_advisor_is_asked_each_second_and_told_what_came() -> None:
    advisor = Forecaster()
    Flight(advisor).fly(4.05, 20.0)
    assert [len(context.steps) for context in advisor.asked] == list(range(len(advisor.asked)))
    assert len(advisor.asked) in (4, 5)
    assert len(advisor.outcomes) == len(advisor.asked) - 1
    for outcome in advisor.outcomes:
        assert outcome.steps[0].throughput_mbps == pytest.approx(20.0, rel=0.01)
        assert not outcome.steps[0].app_limited


@pytest.mark.parametrize("advisor", [None, Forecaster(Quantiles(3.0, 2.0, 1.0))])
def test_without_a_forecast_that_can_be_believed_the_estimate_stands(advisor: object) -> None:
    flight = Flight(advisor)
    flight.fly(3.0, 20.0)
    assert flight.fly(1.1, 30.0) == pytest.approx(30.0, rel=0.01)


@pytest.mark.parametrize(
    ("confidence", "rtt_us", "begins_mbps"),
    [(0.5, 20_000, TOLD.low), (0.0, 20_000, 150.0), (0.0, 500, 400.0), (0.5, 500, TOLD.low)],
)
def test_a_guess_without_any_confidence_is_no_beginning(
    confidence: float, rtt_us: int, begins_mbps: float
) -> None:
    flight = Flight(Forecaster(confidence=confidence), rtt_us=rtt_us)
    assert flight.pilot.link().bandwidth_mbps == begins_mbps


@pytest.fixture
def remembering(tmp_path: Path) -> Callable[[float], Path]:
    def remember(mbps: float) -> Path:
        import time

        PathMemory(tmp_path).remember("a:1", PathRecord(mbps, 20.0, 0.0, 3, time.time()), time.time())
        return tmp_path

    return remember


def test_the_paths_memory_is_better_than_a_guess(remembering: Callable[[float], Path]) -> None:
    flight = Flight(Forecaster(confidence=0.0), state=remembering(33.0))
    assert flight.pilot.link().bandwidth_mbps == 33.0
    assert flight.pilot.streams() == 3


def test_what_a_path_is_remembered_by_is_what_was_measured(tmp_path: Path) -> None:
    flight = Flight(Forecaster(), state=tmp_path)
    assert flight.fly(3.0, 20.0) == TOLD.mid
    flight.pilot.close()
    assert flight.pilot._recall().bandwidth_mbps == pytest.approx(20.0, rel=0.01)  # type: ignore[union-attr]


def test_send_buffers_follow_the_link_once_it_is_measured() -> None:
    flight = Flight(Forecaster())
    flight.fly(3.0, 20.0)
    assert flight.streams.fitted
    assert flight.streams.fitted[-1] == flight.pilot.link()
