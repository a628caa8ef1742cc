"""Stream counts side by side on model links: chosen while running, by the published formula, and fixed.

``python tests/transfer/amst/stream_table.py`` prints the table.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from fluid_links import SEGMENT_BYTES, FluidLink

from dwcp.transfer.amst import Limit, StreamController, StreamMeter, published_streams, starting_streams

FIXED = (1, 4, 16, 64)
STEP_S = 0.1


def steady(mbps: float) -> Callable[[float], float]:
    return lambda _: mbps


def _changing(now: float) -> float:
    return 20.0 if now < 8 else 100.0 if now < 16 else 40.0


@dataclass(frozen=True)
class Case:
    """A link, the capacity that a forecast tells of it, and how its streams control congestion."""

    name: str
    link: Callable[[], FluidLink]
    told_mbps: float


def _case(name: str, mbps: float, rtt_ms: float, **more: object) -> Case:
    return Case(name, lambda: FluidLink(steady(mbps), rtt_ms, **more), mbps)


CASES = (
    _case("clean 10", 10, 0),
    _case("clean 1000 at 2 ms", 1000, 2),
    _case("clean 100 at 80 ms", 100, 80),
    _case("1% loss, 100 at 80 ms", 100, 80, loss=0.01),
    _case("1% loss, 10 at 80 ms", 10, 80, loss=0.01),
    _case("1% loss, 100 at 20 ms", 100, 20, loss=0.01),
    _case("1% loss, 500 at 20 ms", 500, 20, loss=0.01),
    _case("0.01% loss, 100 at 80 ms", 100, 80, loss=0.0001),
    _case("1% loss, BBR, 100 at 80 ms", 100, 80, loss=0.01, bbr=True),
    _case("policer, 100 at 20 ms", 100, 20, buffer_ms=0),
    _case("5 ms buffer, 100 at 80 ms", 100, 80, buffer_ms=5),
    _case("3 MiB windows, 400 at 80 ms", 400, 80, window=2100),
    _case("noisy, 100 at 40 ms", 100, 40, noise=0.2),
    _case("noisy, 0.5% loss, 100 at 40 ms", 100, 40, noise=0.2, loss=0.005),
    Case("20, 100, then 40; 1% loss, 40 ms", lambda: FluidLink(_changing, 40, loss=0.01), 20),
)


def carried_fixed(case: Case, count: int, marks_s: Sequence[float]) -> list[float]:
    """Megabits that a fixed number of streams has carried by each of the times."""
    link = case.link()
    link.want(count)
    return [_carried(link, mark_s) for mark_s in marks_s]


def carried_chosen(case: Case, marks_s: Sequence[float]) -> tuple[list[float], list[tuple[float, int]]]:
    """The same with the controller, and when it wanted how many."""
    link = case.link()
    start = starting_streams(link.rtt_ms, None, 64, loss_based=not link.bbr)
    controller, meter = StreamController(start, loss_based=not link.bbr), StreamMeter(0.0)
    link.want(start)
    changes, carried = [(0.0, start)], []
    for mark_s in marks_s:
        while link.now < mark_s - STEP_S / 2:
            link.run(STEP_S)
            sample = meter.measure(link.now, link.infos(), Limit.NETWORK)
            assert sample is not None
            wanted = controller.step(link.now, sample)
            link.want(wanted)
            if wanted != changes[-1][1]:
                changes.append((round(link.now, 1), wanted))
        carried.append(_carried(link, link.now))
    return carried, changes


def _carried(link: FluidLink, until_s: float) -> float:
    link.run(until_s - link.now)
    return link.total_acked * SEGMENT_BYTES * 8e-6


def shares(case: Case, marks_s: Sequence[float]) -> dict[str, list[float]]:
    """What each way has carried by each time, as a share of the best fixed number by then."""
    formula = published_streams(case.told_mbps, case.link().rtt_ms, case.link().loss)
    fixed = {count: carried_fixed(case, count, marks_s) for count in {*FIXED, formula}}
    best = [max(column) for column in zip(*fixed.values(), strict=True)]
    ways = {"chosen": carried_chosen(case, marks_s)[0], "formula": fixed[formula]}
    ways |= {str(count): fixed[count] for count in FIXED}
    return {way: [mbit / most for mbit, most in zip(got, best, strict=True)] for way, got in ways.items()}


def table(marks_s: Sequence[float]) -> str:
    """The whole table, as text."""
    ways = ("chosen", "formula", *map(str, FIXED))
    width = 7 * len(marks_s)
    lines = [
        f"{'% of the best fixed, by ' + str(marks_s) + ' s':34s}" + "".join(f"{w:>{width}s}" for w in ways)
    ]
    for case in CASES:
        found = shares(case, marks_s)
        cells = ["".join(f"{100 * share:7.0f}" for share in found[way]) for way in ways]
        lines.append(f"{case.name:34s}" + "".join(cells))
    return "\n".join(lines)


if __name__ == "__main__":
    print(table((2, 5, 20)))
