"""Prefetching on access traces: every rule and the published network beside the policy that ships.

Run: ``make bench-prefetch`` with the traces' folder in ``DWCP_ACCESS``, or ``python benchmarks/prefetch.py``.

Each trace, or its first so many accesses, is gone through in order of time, in a cache of 1, 5 and 20 % of
its blocks; the last half is judged. Policies learn as they go, from the past alone; the network is trained on
the first half of the same trace. Nothing was chosen by looking at the held-out traces, and the gates are held
against those. Of a prefetched block it counts whether it was read before it left the cache. Where a rule has
a higher hit rate, look at what it fetches in vain: fetching is free here, but for the room it takes.
"""

import argparse
import multiprocessing
import sys
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from pathlib import Path
from typing import TypeVar

from rich.console import Console
from rich.table import Table

from corpus import digests
from dwcp.errors import InputError
from dwcp.evaluation import Gate, Interval, check_gates, difference_interval, ratio_interval
from prefetch_runs import BOOTSTRAP, HYBRID, LSTM, NONE, Figures, Result, run_trace
from prefetch_traces import COLD, SIMULATED, TRACES, Trace, access_folder, load, simulated
from reporting import RESULTS, report

ItemT = TypeVar("ItemT")

ACCESSES = 100_000
SIMULATED_READS = 20_000
PRECISE = 0.6

GATES = (
    Gate("held_out_relative_gain", 0.15, "at_least", "mean hit rate over no prefetching, as a share of it"),
    Gate("held_out_gain_over_best_rule", 0.0, "at_least", "mean hit rate above that of the best rule"),
    Gate(
        "held_out_precision",
        PRECISE,
        "at_least",
        "prefetched blocks that were read, of all whose fate is known",
    ),
    Gate("cold_spoke_share", 0.01, "at_most", "decisions that named a block where all misses are cold"),
    Gate("decide_p99_ms", 1.0, "at_most", "the slowest hundredth of decisions, on the worst trace"),
)


def main(arguments: Sequence[str] | None = None) -> int:
    options = parse(arguments)
    started = time.perf_counter()
    try:
        folder = access_folder(options.data)
        traces = [trace for trace in TRACES if (folder / trace.file).is_file()]
        if not traces:
            raise InputError(f"the folder {folder} holds none of the traces; it should hold {TRACES[0].file}")
        data = digests(folder / trace.file for trace in traces)
        recorded = run_all(partial(recorded_trace, folder, options.accesses, not options.no_lstm), traces)
        made_up = run_all(simulated_trace, SIMULATED)
    except InputError as error:
        print(error, file=sys.stderr)
        return 2
    held_out = [
        found for found in recorded if found.trace in {trace.name for trace in traces if trace.held_out}
    ]
    show_all(recorded, made_up, held_out)
    summary = summarise(recorded, held_out)
    figures = {
        "accesses_at_most": options.accesses,
        "summary": summary,
        "held_out": [found.trace for found in held_out],
        "recorded": [found.as_json() for found in recorded],
        "simulated": [found.as_json() for found in made_up],
    }
    gated = {name: float(figure) for name, figure in summary.items() if isinstance(figure, float)}
    return report(
        "prefetch", figures, data, check_gates(GATES, gated), time.perf_counter() - started, options.results
    )


def parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=str(__doc__).partition("\n")[0])
    parser.add_argument("--data", type=Path, metavar="DIR", help="default: DWCP_ACCESS, else data/access")
    parser.add_argument(
        "--accesses", type=accesses, default=ACCESSES, help=f"the first so many of each trace ({ACCESSES})"
    )
    parser.add_argument("--no-lstm", action="store_true", help="leave out the network, which takes training")
    parser.add_argument(
        "--results", type=Path, default=RESULTS, metavar="DIR", help="where prefetch.json goes"
    )
    return parser.parse_args(arguments)


def accesses(text: str) -> int:
    if not text.isdecimal() or int(text) < 1000:
        raise argparse.ArgumentTypeError(f"{text} is not a number of accesses: give 1000 or more")
    return int(text)


def recorded_trace(folder: Path, most: int, with_network: bool, trace: Trace) -> Result:
    return run_trace(trace.name, load(trace, folder, most), with_network)


def simulated_trace(name: str) -> Result:
    return run_trace(name, simulated(name, SIMULATED_READS), with_network=False)


def run_all(work: Callable[[ItemT], Result], items: Sequence[ItemT]) -> list[Result]:
    """Two traces at a time, each in a process of its own; a line for each that is done."""
    context = multiprocessing.get_context("spawn")
    found = []
    with ProcessPoolExecutor(2, context, max_tasks_per_child=1) as pool:
        for result in pool.map(work, items):
            print(f"{result.trace}: {result.reads} reads of {result.blocks} blocks", flush=True)
            found.append(result)
    return found


def summarise(recorded: Sequence[Result], held_out: Sequence[Result]) -> dict[str, object]:
    """What the gates are held against, with intervals over traces."""
    hybrid, plain = rates(held_out, HYBRID), rates(held_out, NONE)
    names = [found.trace for found in held_out for _ in found.of(NONE)]
    summary: dict[str, object] = {}
    if held_out:
        ratio = ratio_interval(hybrid, plain, names, BOOTSTRAP)
        best, best_rate = best_rule(held_out)
        summary |= {
            "held_out_hit_rate": mean(hybrid),
            "held_out_hit_rate_without": mean(plain),
            "held_out_relative_gain": ratio.estimate - 1,
            "held_out_relative_gain_interval": [ratio.low - 1, ratio.high - 1],
            "held_out_absolute_gain": mean(hybrid) - mean(plain),
            "held_out_absolute_gain_interval": bounds(difference_interval(hybrid, plain, names, BOOTSTRAP)),
            "held_out_best_rule": best,
            "held_out_gain_over_best_rule": mean(hybrid) - best_rate,
            "held_out_gain_over_best_rule_interval": bounds(
                difference_interval(hybrid, rates(held_out, best), names, BOOTSTRAP)
            ),
            "held_out_precision": precision(held_out, HYBRID),
            "held_out_coverage": mean([one.coverage for found in held_out for one in found.of(HYBRID)]),
            "policies": {name: overall(held_out, name) for name in policy_names(held_out)},
        }
    cold = [one.spoke_share for found in recorded if found.trace == COLD for one in found.of(HYBRID)]
    summary |= {"cold_spoke_share": max(cold)} if cold else {}
    return summary | {
        "decide_p99_ms": max(one.decide_p99_ms for found in recorded for one in found.of(HYBRID)),
        "all_traces": {name: overall(recorded, name) for name in policy_names(recorded)},
    }


def policy_names(results: Sequence[Result]) -> list[str]:
    return list(dict.fromkeys(one.policy for found in results for one in found.figures))


def best_rule(results: Sequence[Result]) -> tuple[str, float]:
    """The rule with the highest mean hit rate, whatever it fetches in vain."""
    rules = [name for name in policy_names(results) if name not in (HYBRID, NONE, *LSTM)]
    ranked = {name: mean(rates(results, name)) for name in rules}
    best = max(ranked, key=ranked.__getitem__)
    return best, ranked[best]


def overall(results: Sequence[Result], policy: str) -> dict[str, float]:
    """Means over traces and cache sizes; precision over all blocks that were fetched."""
    found = [one for result in results for one in result.of(policy)]
    return {
        "hit_rate": mean([one.hit_rate for one in found]),
        "precision": precision(results, policy),
        "least_precision": min(one.precision_at_5 for one in found),
        "coverage": mean([one.coverage for one in found]),
        "fetched_per_read": mean([one.fetched_per_read for one in found]),
    }


def rates(results: Sequence[Result], policy: str) -> list[float]:
    return [one.hit_rate for found in results for one in found.of(policy)]


def precision(results: Sequence[Result], policy: str) -> float:
    found = [one for result in results for one in result.of(policy)]
    used, dropped = sum(one.used for one in found), sum(one.dropped for one in found)
    return used / (used + dropped) if used + dropped else 1.0


def mean(values: Sequence[float]) -> float:
    return sum(values) / len(values)


def bounds(interval: Interval) -> list[float]:
    return [interval.low, interval.high]


def show_all(recorded: Sequence[Result], made_up: Sequence[Result], held_out: Sequence[Result]) -> None:
    for found in recorded:
        show(found, "held out" if found in held_out else "seen while this was made")
    for found in made_up:
        show(found, "simulated")
    table = Table(title="Held-out traces, all sizes", title_justify="left")
    for heading in ("policy", "hit rate", "precision", "least", "coverage", "fetched a read"):
        table.add_column(heading, justify="left" if heading == "policy" else "right")
    for name in policy_names(held_out):
        row = overall(held_out, name)
        table.add_row(name, *(f"{row[figure]:.3f}" for figure in row))
    Console(width=110).print(table)


def show(found: Result, kind: str) -> None:
    """One table a trace: hit rate, precision, coverage at each size."""
    title = f"{found.trace} ({kind}): {found.reads} reads of {found.blocks} blocks, the last half judged"
    table = Table(title=title, title_justify="left")
    table.add_column("policy")
    for one in found.of(NONE):
        table.add_column(f"{one.cache_share:.0%}: hits, precision, coverage", justify="right")
    table.add_column("p99 ms", justify="right")
    for name in policy_names([found]):
        rows = found.of(name)
        table.add_row(name, *map(cell, rows), f"{max(one.decide_p99_ms for one in rows):.3f}")
    Console(width=110).print(table)


def cell(one: Figures) -> str:
    if not one.fetched_per_read:
        return f"{one.hit_rate:.3f}  -    0.00"
    return f"{one.hit_rate:.3f} {one.precision_at_5:.2f} {one.coverage:.2f}"


if __name__ == "__main__":
    sys.exit(main())
