"""What a hint costs: asking itself, the whole hint with a model, memory, import time.

Run: ``make bench-hint``, after ``dwcp demo`` or ``dwcp train`` has put a model into the registry.
"""

import argparse
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from random import Random
from typing import Any

import numpy as np

from dwcp.errors import DwcpError
from dwcp.evaluation.gates import Gate, check_gates
from dwcp.evaluation.policy import Decision
from dwcp.registry import Artifact, Registry
from dwcp.serving import Reason
from dwcp.serving.local import LocalAdvisor
from dwcp.settings import load_settings
from dwcp.task import Arrays, Graph, Task
from dwcp.tasks import discover
from reporting import report

GATES = (
    Gate("overhead_p50_us", 20.0, "at_most", "asking, without building arrays and running the graph"),
    Gate("hint_p99_ms", 1.0, "at_most", "one hint, in process, one thread"),
    Gate("model_share", 0.99, "at_least", "hints the model answered: else the model was not what was timed"),
    Gate("model_mb", 50.0, "at_most", "the model's file"),
    Gate("resident_mb", 500.0, "at_most", "a fresh process with every model of the registry loaded"),
    Gate("import_s", 1.0, "at_most", "importing the advisor in a fresh process"),
)
CONTEXTS = 1000
SEED = 7
WARM_ASKS = 200
IMPORT_RUNS = 5

RESIDENT = """
import sys
from pathlib import Path
from dwcp.registry import Registry
from dwcp.serving.local import LocalAdvisor
from dwcp.tasks import discover
tasks = discover()
advisor = LocalAdvisor(tasks.values(), Registry(Path(sys.argv[1])))
advisor.reload()
for name, task in tasks.items():
    advisor.ask(name, task.examples(1, 1)[0].context)
status = Path("/proc/self/status").read_text()
print(next(line.split()[1] for line in status.splitlines() if line.startswith("VmRSS:")))
"""
IMPORT = "import time; started = time.perf_counter(); import {}; print(time.perf_counter() - started)"


class CannedGraph:
    """Answers at once: the golden answers for as many rows, else the first of them."""

    def __init__(self, answers: Arrays) -> None:
        self._answers = answers
        self._first = {name: array[:1] for name, array in answers.items()}
        self._rows = len(next(iter(answers.values())))

    def prepare(self) -> "CannedGraph":
        """One run is like another."""
        return self

    def run(self, arrays: Arrays) -> Arrays:
        """The answers that stand ready."""
        rows = len(next(iter(arrays.values())))
        return self._answers if rows == self._rows else self._first

    def stop(self) -> None:
        """It is over already."""


@dataclass(frozen=True)
class NoPolicy:
    """Runs the graph on arrays that stand ready, and decides what was decided before."""

    graph: Graph
    arrays: Arrays
    decision: Decision[Any]

    def decide(self, *_: Any, **__: Any) -> Decision[Any]:
        """The decision that stands ready."""
        self.graph.run(self.arrays)
        return self.decision


class NoTask:
    """A task in all that the advisor checks, with nothing left to compute in its learned policy."""

    def __init__(self, task: Task, context: Any) -> None:
        self._task = task
        self._arrays = task.arrays([context])
        self._decision = task.fallback().decide(context, 0.0, Random(0))

    def __getattr__(self, name: str) -> Any:
        return getattr(self._task, name)

    def learned(self, graph: Graph) -> Any:
        """The policy with nothing to compute."""
        return NoPolicy(graph, self._arrays, self._decision)


def main(arguments: Sequence[str] | None = None) -> int:
    tasks = discover()
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0] if __doc__ else None)
    parser.add_argument("--registry", type=Path, default=load_settings().home / "registry")
    parser.add_argument("--task", choices=sorted(tasks), default="compression")
    parser.add_argument("--asks", type=int, default=20_000)
    options = parser.parse_args(arguments)
    started_s = time.perf_counter()
    registry, task = Registry(options.registry), tasks[options.task]
    try:
        artifact = registry.load(options.task)
        figures = measure(registry, artifact, task, options.asks)
    except DwcpError as error:
        print(f"There is no model to measure ({error}): run `dwcp demo` first.", file=sys.stderr)
        return 2
    for name, figure in figures.items():
        print(f"{name}: {figure:.4g}")
    data = {
        "task": task.name,
        "version": artifact.ref.version,
        "digest": artifact.ref.digest,
        "contexts": f"{CONTEXTS} simulated examples of the task, seed {SEED}",
        "asks": options.asks,
    }
    return report("hint", figures, data, check_gates(GATES, figures), time.perf_counter() - started_s)


def measure(registry: Registry, artifact: Artifact, task: Task, asks: int) -> dict[str, float]:
    contexts = [case.context for case in task.examples(CONTEXTS, SEED)]
    idle = LocalAdvisor(
        [NoTask(task, contexts[0])], registry, open_graph=lambda _: CannedGraph(artifact.golden.outputs)
    )
    idle.load(task.name)
    overhead_ns, idle_reasons = time_asks(idle, task.name, contexts[:1], asks)
    advisor = LocalAdvisor([task], registry)
    advisor.load(task.name)
    hint_ns, reasons = time_asks(advisor, task.name, contexts, asks)
    return {
        "overhead_p50_us": float(np.percentile(overhead_ns, 50)) / 1e3,
        "overhead_p99_us": float(np.percentile(overhead_ns, 99)) / 1e3,
        "hint_p50_ms": float(np.percentile(hint_ns, 50)) / 1e6,
        "hint_p99_ms": float(np.percentile(hint_ns, 99)) / 1e6,
        "model_share": min(idle_reasons[Reason.MODEL], reasons[Reason.MODEL]) / asks,
        "model_mb": len(artifact.model) / 1e6,
        "resident_mb": int(fresh(RESIDENT, str(registry.root))) * 1024 / 1e6,
        "import_s": import_s("dwcp.serving.local"),
        "import_protocol_s": import_s("dwcp.serving"),
    }


def time_asks(
    advisor: LocalAdvisor, task_name: str, contexts: Sequence[Any], asks: int
) -> tuple[list[int], Counter[Reason]]:
    """Nanoseconds of each ask, one after the other over rotating contexts, and how often each reason."""
    for context in contexts[:WARM_ASKS]:
        advisor.ask(task_name, context)
    took_ns: list[int] = []
    reasons: Counter[Reason] = Counter()
    for number in range(asks):
        context = contexts[number % len(contexts)]
        started_ns = time.perf_counter_ns()
        hint = advisor.ask(task_name, context)
        took_ns.append(time.perf_counter_ns() - started_ns)
        reasons[hint.reason] += 1
    return took_ns, reasons


def import_s(module: str) -> float:
    """Seconds the import takes in a fresh process; the median of a few."""
    return float(np.median([float(fresh(IMPORT.format(module))) for _ in range(IMPORT_RUNS)]))


def fresh(program: str, *arguments: str) -> str:
    """What a program prints in a fresh process."""
    command = [sys.executable, "-c", program, *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout


if __name__ == "__main__":
    sys.exit(main())
