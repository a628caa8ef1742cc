"""How well the mode of a link is told, set by set, and how soon it is when the link changes.

Run: ``python benchmarks/bandwidth_modes.py --data DIR``, or with the sets' folder in ``DWCP_BANDWIDTH``.

The sets are dealt by trace, as for forecasts: how calm a data centre is was chosen by the training traces,
whose table comes first; every other figure is of the test traces. A set's regime is the kind of network that
it was recorded on. Beside the detector stand the published thresholds on the same ten samples. Most sets
tell no round trips and none but one losses: there, only the throughput votes. Simulated links, which tell
everything, have a table of their own, once more without their round trips.
"""

import argparse
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict, dataclass, replace
from itertools import pairwise
from pathlib import Path
from random import Random
from statistics import fmean, median, pstdev

import numpy as np
from rich.console import Console
from rich.table import Table

from bandwidth_sets import SEED, SETS, ThroughputSet, bandwidth_folder, dealt
from corpus import digests
from dwcp.errors import InputError
from dwcp.evaluation import Gate, check_gates
from dwcp.simulate.links import LINK_KINDS, LinkKind, simulate_link
from dwcp.tasks.bandwidth.contract import Regime, Step
from dwcp.tasks.bandwidth.examples import steps_of
from dwcp.tasks.bandwidth.modes import ModeDetector, published_mode
from dwcp.tasks.bandwidth.recorded import recorded_steps
from dwcp.telemetry.sources.throughput import ThroughputTrace, read_throughput
from reporting import RESULTS, report

MODES: tuple[Regime, ...] = ("datacenter", "internet", "hybrid", "unknown")
SAMPLES = 10
LEAST_STEPS = 3 * SAMPLES
MOST_STEPS, MOST_TRACES = 360, 60
SWITCHES, BEFORE, AFTER = 12, 60, 120
LINKS, LINK_S = 20, 600
CALM = ((0.03, 0.08), (0.04, 0.10), (0.05, 0.10), (0.06, 0.12), (0.08, 0.15), (0.10, 0.20))
REGIME_OF: dict[LinkKind, Regime] = {"datacenter": "datacenter", "metro": "datacenter"}

GATES = (
    Gate("gain_over_published", 0.0, "at_least", "right share over the published thresholds', mean of sets"),
    Gate("simulated_least_right", 0.9, "at_least", "share of steps told rightly, the worst kind"),
    Gate("most_flaps_an_hour", 6.0, "at_most", "changes of the mode an hour, the worst set"),
)

Timed = tuple[float, Step]


@dataclass(frozen=True)
class Share:
    """How a kind of link is told.

    Attributes:
        name: of the set or kind.
        regime: the true one.
        traces: how many.
        steps: how many, from the tenth of each trace on.
        round_trips: share of steps that tell one.
        detected: share of steps by mode.
        published: likewise by the published thresholds.
        flaps_an_hour: changes of the mode after the first.
        first_s: median time until a mode is known.
    """

    name: str
    regime: Regime
    traces: int
    steps: int
    round_trips: float
    detected: dict[str, float]
    published: dict[str, float]
    flaps_an_hour: float
    first_s: float

    @property
    def right(self) -> float:
        """Share of steps told rightly."""
        return self.detected[self.regime]


@dataclass(frozen=True)
class Switch:
    """Links that change their kind.

    Attributes:
        before: regime that they come from.
        after: regime that they go to.
        reset: whether the path changes with it.
        tried: how many were told rightly before.
        noticed: share of those told rightly within two minutes' worth of steps.
        steps: median of steps until then.
        seconds: median time until then.
    """

    before: Regime
    after: Regime
    reset: bool
    tried: int
    noticed: float
    steps: float | None
    seconds: float | None


def main(arguments: Sequence[str] | None = None) -> int:
    options = parse(arguments)
    started = time.perf_counter()
    try:
        folder = bandwidth_folder(options.data)
        sets = [which for which in SETS if (folder / which.file).is_file()]
        if not sets:
            raise InputError(f"the folder {folder} holds none of the sets; it should hold {SETS[0].file}")
        data = digests(folder / which.file for which in sets)
        parts = {which: traces_of(which, folder) for which in sets}
    except InputError as error:
        print(error, file=sys.stderr)
        return 2
    calm = [calmness(which, train) for which, (train, _) in parts.items()]
    tests = {which: test for which, (_, test) in parts.items()}
    shares = [shares_of(which.name, which.regime, test) for which, test in tests.items()]
    switches = list(all_switches(tests))
    links = [simulated(kind, lambda step: step) for kind in LINK_KINDS]
    bare = [simulated(kind, throughput_alone) for kind in LINK_KINDS]
    show_calm(calm)
    show_shares("Sets, unseen traces", shares)
    show_shares("Simulated links", links)
    show_shares("Simulated links, throughput alone", bare)
    show_switches(switches)
    summary = summarise(shares, links)
    figures = {
        "summary": summary,
        "training_calmness": calm,
        "sets": [asdict(one) for one in shares],
        "simulated": [asdict(one) for one in links],
        "simulated_throughput_alone": [asdict(one) for one in bare],
        "switches": [asdict(one) for one in switches],
    }
    gates = check_gates(GATES, summary)
    return report("bandwidth-modes", figures, data, gates, time.perf_counter() - started, options.results)


def parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=str(__doc__).partition("\n")[0])
    parser.add_argument(
        "--data", type=Path, metavar="DIR", help="default: DWCP_BANDWIDTH, else data/bandwidth"
    )
    parser.add_argument(
        "--results", type=Path, default=RESULTS, metavar="DIR", help="where bandwidth-modes.json goes"
    )
    return parser.parse_args(arguments)


def traces_of(which: ThroughputSet, folder: Path) -> tuple[list[list[Timed]], list[list[Timed]]]:
    """Some stretches of the training and of the test traces, as timed steps.

    Raises:
        InputError: the file cannot be read, or holds too few traces.
    """
    longest: dict[str, ThroughputTrace] = {}
    for stretch in read_throughput(folder / which.file):
        if len(stretch) >= LEAST_STEPS and len(stretch) > len(longest.get(stretch.name, ())):
            longest[stretch.name] = stretch
    if len(longest) < 3:
        raise InputError(f"{which.file} holds {len(longest)} traces that are long enough; three are needed")
    train, _, test = dealt(sorted(longest), SEED)
    rng = Random(f"{SEED}:{which.name}")
    return tuple([timed(longest[name], rng) for name in part[:MOST_TRACES]] for part in (train, test))  # type: ignore[return-value]


def timed(stretch: ThroughputTrace, rng: Random) -> list[Timed]:
    """Some steps of a stretch in a row, with their times."""
    begin = rng.randrange(max(1, len(stretch) - MOST_STEPS + 1))
    steps = recorded_steps(stretch, begin, min(len(stretch), begin + MOST_STEPS))
    return [(place * stretch.step_s, step) for place, step in enumerate(steps)]


def calmness(which: ThroughputSet, traces: Sequence[Sequence[Timed]]) -> dict[str, object]:
    """Share of ten samples that two bounds call calm, and wild."""
    found = []
    for trace in traces:
        rates = [step.throughput_mbps for _, step in trace if step.throughput_mbps is not None]
        for begin in range(0, len(rates) - SAMPLES + 1, SAMPLES):
            window = rates[begin : begin + SAMPLES]
            if any(window):
                found.append(pstdev(window) / fmean(window))
    varied = np.array(found)
    bounds = {
        f"{low:g} {high:g}": [float((varied <= low).mean()), float((varied >= high).mean())]
        for low, high in CALM
    }
    return {"set": which.name, "regime": which.regime, "windows": len(varied), "calm_and_wild": bounds}


def shares_of(name: str, regime: Regime, traces: Sequence[Sequence[Timed]]) -> Share:
    """Watch every trace with a detector of its own."""
    told, published = Counter[Regime](), Counter[Regime]()
    changes, hours, firsts, known, seen = 0, 0.0, list[float](), 0, 0
    for trace in traces:
        detector = ModeDetector()
        modes = [detector.observe(step, at_s) for at_s, step in trace]
        told.update(modes[SAMPLES - 1 :])
        published.update(by_thresholds(trace))
        begun = [mode for mode in modes if mode != "unknown"]
        changes += sum(one != other for one, other in pairwise(begun))
        hours += (trace[-1][0] - trace[0][0]) / 3600
        firsts += [trace[modes.index(begun[0])][0]] if begun else []
        known += sum(step.rtt_ms is not None for _, step in trace)
        seen += len(trace)
    return Share(
        name,
        regime,
        len(traces),
        told.total(),
        known / seen,
        {mode: told[mode] / told.total() for mode in MODES},
        {mode: published[mode] / published.total() for mode in MODES},
        changes / hours,
        median(firsts),
    )


def by_thresholds(trace: Sequence[Timed]) -> Iterable[Regime]:
    """What the published thresholds say of the same samples."""
    for end in range(SAMPLES, len(trace) + 1):
        steps = [step for _, step in trace[end - SAMPLES : end]]
        rates = [step.throughput_mbps for step in steps if step.throughput_mbps is not None]
        rtts = [step.rtt_ms for step in steps if step.rtt_ms is not None]
        yield published_mode(median(rates) if rates else None, median(rtts) if rtts else None)


def all_switches(tests: dict[ThroughputSet, list[list[Timed]]]) -> Iterable[Switch]:
    """Every data-centre set with every internet set behind it, and the reverse."""
    for before, after in (("datacenter", "internet"), ("internet", "datacenter")):
        pairs = [
            (one, other)
            for first, traces in tests.items()
            for second, others in tests.items()
            if (first.regime, second.regime) == (before, after)
            for one, other in zip(traces[:SWITCHES], others[:SWITCHES], strict=False)
        ]
        for reset in (True, False):
            yield switch(before, after, pairs, reset=reset)  # type: ignore[arg-type]


def switch(
    before: Regime, after: Regime, pairs: Sequence[tuple[list[Timed], list[Timed]]], *, reset: bool
) -> Switch:
    """How soon each second trace is told rightly; where the first was not, there is no switch to notice."""
    tried, taken = 0, list[tuple[int, float]]()
    for one, other in pairs:
        detector = ModeDetector()
        began_s = 0.0
        for at_s, step in one[:BEFORE]:
            detector.observe(step, at_s, "before")
            began_s = at_s
        if detector.mode != before:
            continue
        tried += 1
        path = "after" if reset else "before"
        step_s = other[1][0]
        for count, (at_s, step) in enumerate(other[:AFTER], 1):
            if detector.observe(step, began_s + step_s + at_s, path) == after:
                taken.append((count, at_s + step_s))
                break
    steps, seconds = (
        (median(found) if taken else None for found in zip(*taken, strict=True)) if taken else (None, None)
    )
    return Switch(before, after, reset, tried, len(taken) / tried if tried else 0.0, steps, seconds)


def simulated(kind: LinkKind, seen: Callable[[Step], Step]) -> Share:
    """Links of a kind."""
    traces = []
    for seed in range(LINKS):
        trace = simulate_link(kind, LINK_S, 1.0, np.random.default_rng([SEED, seed]))
        traces.append([(float(second), seen(step)) for second, step in enumerate(steps_of(trace))])
    return shares_of(kind, REGIME_OF.get(kind, "internet"), traces)


def throughput_alone(step: Step) -> Step:
    return replace(step, rtt_ms=None, jitter_ms=None, packet_loss=None)


def summarise(shares: Sequence[Share], links: Sequence[Share]) -> dict[str, float]:
    """What the gates are held against, and means over the sets of each regime."""
    gains = [one.right - one.published[one.regime] for one in shares]
    summary = {
        "gain_over_published": fmean(gains),
        "simulated_least_right": min(one.right for one in links),
        "most_flaps_an_hour": max(one.flaps_an_hour for one in shares),
        "unknown": fmean(one.detected["unknown"] for one in shares),
    }
    for regime in ("datacenter", "internet"):
        found = [one for one in shares if one.regime == regime]
        summary[f"{regime}_right"] = fmean(one.right for one in found)
        summary[f"{regime}_published_right"] = fmean(one.published[regime] for one in found)
    return summary


def show_calm(calm: Sequence[dict[str, object]]) -> None:
    columns = ("set", "regime", *(f"{low:g}, {high:g}" for low, high in CALM))
    rows = []
    for one in calm:
        found: dict[str, list[float]] = one["calm_and_wild"]  # type: ignore[assignment]
        rows.append((one["set"], one["regime"], *(f"{a:.0%} {b:.0%}" for a, b in found.values())))
    show("Training traces: calm and wild share by bounds of the coefficient of variation", columns, rows)


def show_shares(title: str, shares: Sequence[Share]) -> None:
    columns = (
        "of",
        "is",
        "traces",
        "tells RTT",
        *MODES,
        "flaps/h",
        "first, s",
        "published: right",
        "unknown",
    )
    rows = [
        (
            one.name,
            one.regime,
            one.traces,
            f"{one.round_trips:.0%}",
            *(f"{one.detected[mode]:.1%}" for mode in MODES),
            f"{one.flaps_an_hour:.2f}",
            f"{one.first_s:g}",
            f"{one.published[one.regime]:.1%}",
            f"{one.published['unknown']:.1%}",
        )
        for one in shares
    ]
    show(title, columns, rows)


def show_switches(switches: Sequence[Switch]) -> None:
    columns = ("from", "to", "path", "tried", "noticed", "steps", "seconds")
    rows = [
        (
            one.before,
            one.after,
            "another" if one.reset else "the same",
            one.tried,
            f"{one.noticed:.1%}",
            "-" if one.steps is None else f"{one.steps:g}",
            "-" if one.seconds is None else f"{one.seconds:g}",
        )
        for one in switches
    ]
    show("Links that change", columns, rows)


def show(title: str, columns: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
    table = Table(title=title, title_justify="left")
    for place, column in enumerate(columns):
        table.add_column(column, justify="right" if place > 1 else "left")
    for row in rows:
        table.add_row(*map(str, row))
    Console(width=150).print(table)


if __name__ == "__main__":
    sys.exit(main())
