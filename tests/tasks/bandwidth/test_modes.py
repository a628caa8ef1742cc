"""Mode detection: what votes, what holds a change back, what is kept. All with a made-up clock."""

from collections.abc import Sequence
from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest

from dwcp.errors import InputError
from dwcp.simulate.links import LinkKind, simulate_link
from dwcp.tasks.bandwidth.contract import Regime, Step
from dwcp.tasks.bandwidth.modes import ModeDetector, ModeSettings, published_mode, verdict
from dwcp.tasks.bandwidth.series import STEPS

FABRIC = Step(9_400.0, rtt_ms=0.3, jitter_ms=0.05, packet_loss=0.0)
QUICK = ModeSettings(every_s=1.0, samples=10, votes=1, cooldown_s=0.0)


def wide_area(seed: int, count: int = 200) -> list[Step]:
    rng = np.random.default_rng(seed)
    rates = 80 * np.exp(0.5 * rng.standard_normal(count))
    return [Step(float(rate), rtt_ms=90.0, jitter_ms=12.0, packet_loss=0.01) for rate in rates]


def watched(detector: ModeDetector, steps: Sequence[Step], began_s: float = 0.0) -> list[Regime]:
    return [detector.observe(step, began_s + second) for second, step in enumerate(steps)]


def of_link(kind: LinkKind, seed: int, seconds: int = 300) -> list[Step]:
    trace = simulate_link(kind, seconds, 1.0, np.random.default_rng(seed))
    columns = (trace.throughput_mbps, trace.rtt_ms, trace.jitter_ms, trace.packet_loss, trace.app_limited)
    return [
        Step(float(mbps), float(rtt), float(jitter), float(loss), app_limited=bool(limited))
        for mbps, rtt, jitter, loss, limited in zip(*columns, strict=True)
    ]


def test_nothing_is_known_until_something_was_measured() -> None:
    detector = ModeDetector()
    assert detector.mode == "unknown"
    assert watched(detector, [Step(None)] * 30) == ["unknown"] * 30
    assert detector.observe(FABRIC, 31.0) == "datacenter"


@pytest.mark.parametrize(
    ("rate_mbps", "rtt_ms", "mode"),
    [
        (None, None, "unknown"),
        (1000.0, 9.9, "datacenter"),
        (999.0, 9.9, "internet"),
        (1000.0, 50.1, "internet"),
        (1000.0, 10.0, "hybrid"),
        (1000.0, 50.0, "hybrid"),
        (None, 60.0, "internet"),
        (20.0, None, "internet"),
        (None, 1.0, "unknown"),
        (5000.0, None, "unknown"),
    ],
)
def test_the_published_thresholds(rate_mbps: float | None, rtt_ms: float | None, mode: Regime) -> None:
    assert published_mode(rate_mbps, rtt_ms) == mode


def test_with_few_samples_the_published_thresholds_decide() -> None:
    slow_but_steady = Step(200.0, rtt_ms=0.4, jitter_ms=0.02, packet_loss=0.0)
    assert verdict([slow_but_steady] * 3) == "internet"
    assert verdict([slow_but_steady] * 10) == "datacenter"


def test_rate_and_round_trip_alone_do_not_decide() -> None:
    fast_and_near = [
        replace(step, throughput_mbps=(step.throughput_mbps or 0) * 50) for step in wide_area(1, 10)
    ]
    lossy = [replace(step, rtt_ms=5.0) for step in fast_and_near]
    assert published_mode(4000.0, 5.0) == "datacenter"
    assert verdict(lossy) == "internet"


def test_where_the_ballots_disagree_it_is_hybrid() -> None:
    assert verdict([Step(5_000.0, rtt_ms=15.0, jitter_ms=1.0, packet_loss=0.0)] * 10) == "hybrid"


def test_what_the_application_asked_for_says_nothing_of_the_spread() -> None:
    idle = [replace(FABRIC, throughput_mbps=float(mbps), app_limited=True) for mbps in (1, 9, 300, 2, 70)]
    assert verdict([FABRIC] * 5 + idle) == "datacenter"


def test_with_little_to_send_round_trips_tell_by_themselves() -> None:
    near = Step(3.0, rtt_ms=0.2, jitter_ms=0.1, app_limited=True)
    assert verdict([near] * 10) == "datacenter"
    assert verdict([replace(near, rtt_ms=40.0, jitter_ms=3.0)] * 10) == "internet"


def alternating(share: float, count: int, mid: float = 100.0) -> list[Step]:
    """Throughputs alone, whose coefficient of variation is the share."""
    return [Step(mid * (1 + share)), Step(mid * (1 - share))] * (count // 2)


def test_with_throughput_alone_it_takes_more_to_leave_a_mode_than_to_stay() -> None:
    assert [verdict(alternating(0.12, 10), mode) for mode in ("internet", "unknown", "datacenter")] == [
        "internet",
        "internet",
        "unknown",
    ]
    assert [verdict(alternating(0.04, 10), mode) for mode in ("datacenter", "unknown", "internet")] == [
        "datacenter",
        "datacenter",
        "unknown",
    ]
    for share, wanted in ((0.02, "datacenter"), (0.2, "internet")):
        detector = ModeDetector()
        watched(detector, alternating(share, 40))
        assert detector.mode == wanted
        assert set(watched(detector, alternating(0.08, 200), began_s=40.0)) == {wanted}


def test_throughput_alone_that_is_neither_calm_nor_wild_is_told_by_the_published_thresholds() -> None:
    assert verdict(alternating(0.07, 10)) == "internet"
    assert verdict(alternating(0.07, 10, mid=5_000.0)) == "unknown"


@pytest.mark.parametrize(("before", "mode"), [([FABRIC] * 40, "datacenter"), (wide_area(5, 40), "internet")])
def test_a_link_that_is_down_says_nothing_of_its_kind(before: list[Step], mode: Regime) -> None:
    detector = ModeDetector()
    assert verdict([Step(0.0)] * 10) == verdict([Step(0.0)]) == "unknown"
    watched(detector, before)
    down = [Step(0.0)] * 75
    assert set(watched(detector, [*down, *before, *down], began_s=40.0)) == {mode}


def test_the_samples_are_looked_at_every_ten_seconds() -> None:
    detector = ModeDetector(ModeSettings(every_s=10.0, votes=1, cooldown_s=0.0))
    assert watched(detector, [FABRIC] * 5) == ["datacenter"] * 5
    modes = watched(detector, wide_area(2, 30), began_s=5.0)
    changed = [
        5 + place for place, (one, other) in enumerate(pairwise(["datacenter", *modes])) if one != other
    ]
    assert changed
    assert all(second % 10 == 0 for second in changed)


@pytest.mark.parametrize(("votes", "detected_s"), [(1, 10.0), (2, 20.0), (4, 40.0)])
def test_votes_hold_a_change_back(votes: int, detected_s: float) -> None:
    detector = ModeDetector(ModeSettings(votes=votes, cooldown_s=0.0))
    watched(detector, [FABRIC] * 20)
    modes = watched(detector, [Step(50.0, 95.0, 15.0, 0.02)] * 100, began_s=20.0)
    assert modes.index("internet") == detected_s


def test_a_verdict_in_between_begins_the_count_anew() -> None:
    detector = ModeDetector(ModeSettings(every_s=1.0, samples=1, votes=3, cooldown_s=0.0))
    far = Step(50.0, 95.0)
    assert set(watched(detector, [FABRIC, far, far, FABRIC, far, far, FABRIC])) == {"datacenter"}
    assert watched(detector, [far, far, far], began_s=7.0)[-1] == "internet"


@pytest.mark.parametrize(("cooldown_s", "changes"), [(0.0, 19), (30.0, 3), (1000.0, 1)])
def test_the_cooldown_holds_flapping_back(cooldown_s: float, changes: int) -> None:
    settings = ModeSettings(every_s=1.0, samples=1, votes=1, cooldown_s=cooldown_s)
    detector = ModeDetector(settings)
    flapping = [step for _ in range(10) for step in [FABRIC] * 5 + [Step(50.0, 95.0)] * 5]
    modes = watched(detector, flapping)
    assert sum(one != other for one, other in pairwise(modes)) == changes


def test_there_is_no_change_before_all_samples_are_new() -> None:
    """Where a step is longer than the cooldown, samples of the former conditions are still looked at."""
    detector = ModeDetector(ModeSettings(samples=10, votes=1, cooldown_s=60.0))
    calm, wild = Step(100.0), [Step(50.0), Step(150.0)]
    steps = [calm] * 10 + [*wild * 2, *[calm] * 10] * 10
    modes = [detector.observe(step, 300.0 * place) for place, step in enumerate(steps)]
    changed = [place for place, (one, other) in enumerate(pairwise(modes)) if one != other]
    assert len(changed) > 3
    assert min(later - earlier for earlier, later in pairwise(changed)) >= 10


def test_another_path_begins_anew() -> None:
    detector = ModeDetector()
    watched(detector, [FABRIC] * 30)
    assert detector.observe(Step(None), 31.0, path="other") == "unknown"
    assert detector.history() == (Step(None),)
    assert detector.observe(Step(20.0, 80.0), 32.0, path="other") == "internet"


def test_a_switch_loses_no_history() -> None:
    detector = ModeDetector(QUICK)
    near, far = [FABRIC] * 40, wide_area(3, 40)
    watched(detector, near)
    assert detector.mode == "datacenter"
    assert len(detector.history()) == STEPS["datacenter"]
    watched(detector, far, began_s=40.0)
    assert detector.mode == "internet"
    assert detector.history() == tuple((near + far)[-STEPS["internet"] :])
    assert detector.history("datacenter") == tuple(far[-STEPS["datacenter"] :])


def test_time_that_goes_back_stops_nothing() -> None:
    detector = ModeDetector(ModeSettings(votes=1, cooldown_s=20.0))
    watched(detector, [FABRIC] * 12, began_s=1_000_000.0)
    modes = watched(detector, [Step(50.0, 95.0, 15.0, 0.02)] * 40, began_s=0.0)
    assert modes[-1] == "internet"


def test_it_goes_on_from_a_snapshot() -> None:
    steps = [FABRIC] * 25 + wide_area(4, 60)
    whole, first = ModeDetector(), ModeDetector()
    wanted = watched(whole, steps)
    watched(first, steps[:47])
    second = ModeDetector()
    second.restore(first.snapshot())
    assert second.history() == first.history()
    assert watched(second, steps[47:], began_s=47.0) == wanted[47:]
    with pytest.raises(ValueError, match="no mode 'moon'"):
        second.restore({**first.snapshot(), "mode": "moon"})


@pytest.mark.parametrize(
    ("kind", "mode", "least"),
    [
        ("datacenter", "datacenter", 0.9),
        ("cellular", "internet", 0.9),
        ("satellite", "internet", 0.9),
        ("wan", "internet", 0.9),
    ],
)
def test_simulated_links_are_told_apart(kind: LinkKind, mode: Regime, least: float) -> None:
    modes = [found for seed in range(5) for found in watched(ModeDetector(), of_link(kind, seed))[60:]]
    assert modes.count(mode) / len(modes) >= least


@pytest.mark.parametrize("settings", [{"every_s": -1.0}, {"samples": 0}, {"votes": 0}, {"cooldown_s": -1.0}])
def test_settings_that_make_no_sense_are_refused(settings: dict[str, float]) -> None:
    with pytest.raises(InputError, match="mode detection takes"):
        ModeSettings(**settings)  # type: ignore[arg-type]
