from collections.abc import Callable
from itertools import pairwise

import pytest
from amst_cases import sample, samples
from fluid_links import FluidLink
from hypothesis import given, settings
from hypothesis import strategies as st
from stream_table import CASES, Case, shares, steady, table

from dwcp.telemetry.schema import KINDS
from dwcp.transfer.amst import ChangeReason, Limit, Sample, StreamController, StreamMeter

MARKS_S = (2, 5)


def _drive(
    controller: StreamController,
    seconds: float,
    mbps: Callable[[int], float],
    from_s: float = 0.0,
    **more: object,
) -> list[int]:
    """Streams wanted after each tenth of a second; they open at once, and carry as told."""
    wanted = []
    for step in range(round(seconds * 10)):
        count = controller.wanted
        now = from_s + 0.1 * (step + 1)
        wanted.append(controller.step(now, sample(mbps(count), streams=count, **more)))
    return wanted


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_the_choice_is_near_the_best_fixed_number_soon(case: Case) -> None:
    found = shares(case, MARKS_S)
    assert found["chosen"][0] > 0.70
    assert found["chosen"][1] > 0.85
    assert found["chosen"][1] > found["formula"][1] - 0.05


@pytest.mark.slow
def test_the_choice_stays_near_the_best_fixed_number() -> None:
    print("\n" + table((2, 5, 20)))
    for case in CASES:
        assert shares(case, (45,))["chosen"][0] > 0.95


def test_streams_that_carry_more_are_kept() -> None:
    controller = StreamController(4)
    wanted = _drive(controller, 10, lambda count: 2.0 * count, resent_bytes=3000)
    assert wanted[-1] == 64
    assert controller.reason is ChangeReason.PROBING


def test_no_more_are_added_than_the_forecast_is_worth() -> None:
    controller = StreamController(4)
    controller.limit(6)
    assert max(_drive(controller, 60, lambda count: 2.0 * count)) == 6
    controller.limit(5)
    assert _drive(controller, 5, lambda count: 2.0 * count, 60.0)[-1] == 6, "those that are there stay"
    controller.limit(None)
    assert _drive(controller, 200, lambda count: 2.0 * count, 65.0)[-1] == 64


def test_signs_for_more_streams_come_before_the_forecast() -> None:
    controller = StreamController(4)
    controller.limit(6)
    assert _drive(controller, 10, lambda count: 2.0 * count, resent_bytes=3000)[-1] == 64


def test_streams_that_carry_no_more_are_taken_back() -> None:
    controller = StreamController(4)
    wanted = _drive(controller, 40, lambda _: 50.0)
    assert max(wanted) == 8, "without signs there is one careful trial"
    assert wanted[-1] == 4


def test_trials_in_vain_become_rare() -> None:
    wanted = _drive(StreamController(4), 3600, lambda _: 50.0)
    trials = sum(before < after for before, after in pairwise(wanted))
    assert 5 <= trials <= 20


def test_a_reduction_that_harms_is_taken_back() -> None:
    controller = StreamController(64)
    wanted = _drive(controller, 60, lambda count: float(count))
    assert min(wanted) == 48
    assert wanted[-1] == 64


def test_crowded_streams_become_fewer() -> None:
    controller = StreamController(32)
    wanted = _drive(controller, 60, lambda _: 10.0, rtt_ms=200.0, resent_bytes=25_000)
    assert wanted[-1] < 10
    assert controller.reason is ChangeReason.CONGESTION


def test_losses_say_nothing_of_streams_that_do_not_heed_them() -> None:
    controller = StreamController(4, loss_based=False)
    assert set(_drive(controller, 10, lambda _: 50.0, resent_bytes=3000)) == {4}


@pytest.mark.parametrize("limit", list(Limit)[1:])
def test_nothing_changes_while_others_than_the_network_are_the_limit(limit: Limit) -> None:
    controller = StreamController(4)
    held = _drive(controller, 60, lambda count: 2.0 * count, resent_bytes=3000, limit=limit)
    assert set(held) == {4}
    freed = _drive(controller, 5, lambda count: 2.0 * count, from_s=60, resent_bytes=3000)
    assert freed[-1] > 4


def test_a_climb_that_ends_the_networks_limit_is_kept() -> None:
    controller = StreamController(4)
    assert _drive(controller, 1, lambda count: 2.0 * count, resent_bytes=3000)[-1] > 4
    reached = controller.wanted
    held = _drive(controller, 30, lambda _: 10.0, from_s=1, resent_bytes=3000, limit=Limit.ENCODER)
    assert set(held) == {reached}


def test_slow_start_is_waited_for() -> None:
    controller, mbps = StreamController(4), 1.0
    for step in range(20):
        mbps *= 1.5
        assert controller.step(0.1 * (step + 1), sample(mbps, streams=4)) == 4


def test_streams_that_do_not_come_are_not_waited_for_for_ever() -> None:
    controller = StreamController(16)
    for step in range(200):
        wanted = controller.step(0.1 * (step + 1), sample(20, streams=8, resent_bytes=3000))
    assert wanted > 16, "eight that lose are measured, and more are wanted"


def test_no_streams_are_no_measurement() -> None:
    controller = StreamController(4)
    for step in range(100):
        assert controller.step(0.1 * (step + 1), sample(0, streams=0)) == 4


def test_another_link_is_noticed() -> None:
    controller = StreamController(16)
    _drive(controller, 60, lambda _: 20.0)
    assert controller.wanted == 16
    more = _drive(controller, 10, lambda count: 1.5 * count, from_s=60, resent_bytes=2000)
    assert more[-1] == 64


@pytest.mark.parametrize(("start", "most", "wanted"), [(100, 64, 64), (0, 64, 1), (4, 2, 2), (4, 0, 1)])
def test_bounds_of_the_start(start: int, most: int, wanted: int) -> None:
    assert StreamController(start, most).wanted == wanted


@given(st.integers(0, 100), st.integers(1, 64), st.lists(samples, max_size=60))
@settings(max_examples=100)
def test_the_number_is_within_bounds_whatever_happens(start: int, most: int, seen: list[Sample]) -> None:
    controller, now = StreamController(start, most), 0.0
    for one in seen:
        now += one.interval_s
        assert 1 <= controller.step(now, one) <= most


def test_the_reasons_are_those_of_telemetry() -> None:
    assert set(ChangeReason) <= set(KINDS["stream_change"].by_name["stream_reason"].categories)


def test_the_same_link_gives_the_same_choice() -> None:
    def choice() -> list[int]:
        link, controller, meter = (
            FluidLink(steady(100), 40, loss=0.005),
            StreamController(4),
            StreamMeter(0.0),
        )
        link.want(4)
        wanted = []
        for _ in range(30):
            link.run(0.1)
            found = meter.measure(link.now, link.infos(), Limit.NETWORK)
            assert found is not None
            wanted.append(controller.step(link.now, found))
            link.want(wanted[-1])
        return wanted

    assert choice() == choice()
