"""What asking many questions at once gains, and how often a question comes again within a second.

Run: ``make bench-hint-batches``, after ``dwcp demo`` or ``dwcp train`` has put a model into the registry.

The traffic is the corpus as ``make bench-compression`` measured it, and what lies in the folders that
``DWCP_BANDWIDTH`` and ``DWCP_ACCESS`` name; what is not there is left out. There are no gates: the figures
stand beside each other.
"""

import argparse
import sys
import tempfile
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import closing
from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dwcp.errors import DwcpError
from dwcp.registry import Registry
from dwcp.serving import Reason
from dwcp.serving._checks import InputCheck
from dwcp.serving.local import LocalAdvisor
from dwcp.serving.runtime import OnnxGraph
from dwcp.settings import load_settings
from dwcp.task import Task
from dwcp.tasks import discover
from hint_fleet import NODES, judged_fleet
from hint_fresh import SHIPPED, TRAINED, nine_models
from hint_repeats import WITHIN_S, repeats_of_traffic, sources
from reporting import report

SIZES = (1, 4, 16, 64)
QUESTIONS = max(SIZES)
PARTS = ("arrays", "check", "graph")
ROUNDS = 30
SEED = 7
NO_DEADLINE_MS = 1000.0
"""A hint that came late would be one of the rules."""


def main(arguments: Sequence[str] | None = None) -> int:
    home = load_settings().home
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0] if __doc__ else None)
    parser.add_argument("--registry", type=Path, default=home / "registry")
    parser.add_argument("--models", type=Path, default=home / "bench" / "nine", help="kept between runs")
    parser.add_argument("--table", type=Path, default=home / "bench" / "corpus-1.parquet", help="the corpus")
    parser.add_argument("--bandwidth", type=Path, metavar="DIR", help="default: DWCP_BANDWIDTH")
    parser.add_argument("--access", type=Path, metavar="DIR", help="default: DWCP_ACCESS")
    options = parser.parse_args(arguments)
    started_s = time.perf_counter()
    try:
        nine_models(options.models, options.registry)
        registry, known = Registry(options.models / "registry"), discover()
        tasks = [batched(known[name], registry) for name in (SHIPPED, *TRAINED)]
        show_tasks(tasks)
        with tempfile.TemporaryDirectory(prefix="dwcp-fleet-") as folder:
            fleet = judged_fleet(registry, Path(folder))
        print(
            f"a fleet of {NODES} nodes: {fleet['one_by_one_ms']:.1f} ms a step node by node, "
            f"{fleet['together_ms']:.1f} ms together; {fleet['alike_share']:.2%} of the verdicts alike, "
            f"margins at most {fleet['margins_differ']:.2g} apart",
            flush=True,
        )
        traffic = (options.table, options.bandwidth, options.access)
        found, files = repeats_of_traffic(*traffic), sources(*traffic)
    except DwcpError as error:
        print(error, file=sys.stderr)
        return 2
    for one in found:
        print(f"{one.task}, {one.traffic}: {one.asked} asked, {one.words()}")
    figures = {"tasks": tasks, "fleet": fleet, "repeats": [asdict(one) for one in found]}
    data = {
        "contexts": f"{QUESTIONS} simulated examples of each task, seed {SEED}",
        "digests": {name: registry.load(name, "latest").ref.digest for name in (SHIPPED, *TRAINED)},
        "rounds": ROUNDS,
        "fleet_nodes": NODES,
        "repeats_within_s": WITHIN_S,
        "traffic": files,
    }
    return report("hint-batches", figures, data, (), time.perf_counter() - started_s)


def batched(task: Task, registry: Registry) -> dict[str, object]:
    """Microseconds a decision of the parts, by size of the batch, and of a whole hint.

    In each round the same questions are asked in batches of every size, and one by one as hints; what is
    given are medians of calls.
    """
    contexts = [case.context for case in task.examples(QUESTIONS, SEED)]
    graph, check = OnnxGraph(registry.load(task.name, "latest").model), InputCheck(task.input_spec)
    taken: dict[str, dict[int, list[float]]] = {part: {} for part in PARTS}
    with closing(LocalAdvisor([task], registry, deadline_ms=NO_DEADLINE_MS)) as advisor:
        advisor.load(task.name, "latest")
        ask = partial(advisor.ask, task.name)
        hints: list[float] = []
        for _ in range(ROUNDS):
            for size in SIZES:
                batches = [contexts[begin : begin + size] for begin in range(0, QUESTIONS, size)]
                fed = [task.arrays(batch) for batch in batches]
                for part, found in zip(
                    PARTS,
                    (timed_us(task.arrays, batches), timed_us(check, fed), timed_us(graph.run, fed)),
                    strict=True,
                ):
                    taken[part].setdefault(size, []).extend(us / size for us in found)
            hints += timed_us(ask, contexts)
        by_model = sum(number for key, number in advisor.counts().items() if key.reason is Reason.MODEL)
    medians = {
        f"{part}_us": {str(size): float(np.median(found)) for size, found in by_size.items()}
        for part, by_size in taken.items()
    }
    return {
        "task": task.name,
        **medians,
        "hint_us": float(np.median(hints)),
        "model_share": by_model / len(hints),
        "differs": differs(task, graph, contexts),
    }


def timed_us(call: Callable[[Any], object], given: Iterable[object]) -> list[float]:
    """Microseconds of each call."""
    found = []
    for one in given:
        started_ns = time.perf_counter_ns()
        call(one)
        found.append((time.perf_counter_ns() - started_ns) / 1e3)
    return found


def differs(task: Task, graph: OnnxGraph, contexts: Sequence[Any]) -> float:
    """The furthest that a number of a batch's answers is from the same asked alone, over 1 or its size."""
    together = graph.run(task.arrays(contexts))
    alone = [graph.run(task.arrays([context])) for context in contexts]
    return max(_furthest(answers, [one[name] for one in alone]) for name, answers in together.items())


def _furthest(together: NDArray[Any], alone: Sequence[NDArray[Any]]) -> float:
    expected = np.concatenate(alone).astype(np.float64)
    return float(np.max(np.abs(together - expected) / np.maximum(1.0, np.abs(expected)), initial=0.0))


def show_tasks(tasks: Sequence[Mapping[str, Any]]) -> None:
    """The table, a line a task and part."""
    print(f"{'µs a decision, in batches of':30}" + "".join(f"{size:>9}" for size in SIZES))
    for one in tasks:
        for part in PARTS:
            cells = "".join(f"{one[f'{part}_us'][str(size)]:9.1f}" for size in SIZES)
            print(f"{one['task']:20}{part:10}{cells}")
        print(
            f"{one['task']:20}{'hint':10}{one['hint_us']:9.1f}   differs by {one['differs']:.2g}", flush=True
        )


if __name__ == "__main__":
    sys.exit(main())
