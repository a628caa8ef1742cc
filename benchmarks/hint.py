"""What a hint costs: asking itself, the whole hint with a model, memory, import time.

Run: ``make bench-hint``, after ``dwcp demo`` or ``dwcp train`` has put a model into the registry.

Everything is timed twice, in turns: *off* is an advisor by itself; *on* is one as ``dwcp serve`` has it, with
a rollout at canary 5 %, an experiment on half of the same task's units and one on another task, kill
switches, flags, drift, judgements, and the thread that keeps all of it.
"""

import argparse
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from dwcp.errors import DwcpError
from dwcp.evaluation.gates import Gate, check_gates
from dwcp.serving import Reason
from dwcp.settings import load_settings
from dwcp.tasks import discover
from hint_fresh import SERVER, import_s, nine_models, resident_mb
from hint_timing import Asking, Timed, time_in_turns
from reporting import report
from serving_models import copied_registry

GATES = (
    Gate("overhead_on_p50_us", 20.0, "at_most", "asking with everything on, without arrays and graph"),
    Gate("hint_on_p99_ms", 1.0, "at_most", "one hint with everything on, in process, one thread"),
    Gate("model_share", 0.99, "at_least", "hints a model answered: else the model was not what was timed"),
    Gate("model_mb", 50.0, "at_most", "the model's file"),
    Gate("resident_nine_mb", 500.0, "at_most", "a fresh process with nine models loaded and asked"),
    Gate("import_s", 1.0, "at_most", "importing the advisor in a fresh process"),
    Gate("import_server_s", 1.0, "at_most", "importing the server and all it serves in a fresh process"),
)
OTHER = "prefetch"
"""The task of the other experiment."""


def main(arguments: Sequence[str] | None = None) -> int:
    tasks = discover()
    home = load_settings().home
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0] if __doc__ else None)
    parser.add_argument("--registry", type=Path, default=home / "registry")
    parser.add_argument("--models", type=Path, default=home / "bench" / "nine", help="kept between runs")
    parser.add_argument("--task", choices=sorted(set(tasks) - {OTHER}), default="compression")
    parser.add_argument("--asks", type=int, default=20_000)
    options = parser.parse_args(arguments)
    started_s = time.perf_counter()
    try:
        with tempfile.TemporaryDirectory(prefix="dwcp-hint-") as folder:
            registry = copied_registry(options.registry, options.task, Path(folder) / "registry")
            artifact = registry.load(options.task)
            asking = Asking(tasks, options.task, OTHER, registry, Path(folder))
            figures = timings(asking, options.asks)
        loaded = nine_models(options.models, options.registry)
        figures |= {
            "model_mb": len(artifact.model) / 1e6,
            "resident_nine_mb": resident_mb(options.models / "registry", loaded),
            "import_s": import_s("dwcp.serving.local"),
            "import_server_s": import_s(SERVER),
            "import_protocol_s": import_s("dwcp.serving"),
        }
    except DwcpError as error:
        print(error, file=sys.stderr)
        return 2
    for name, figure in figures.items():
        print(f"{name}: {figure:.4g}")
    data = {
        "task": options.task,
        "version": artifact.ref.version,
        "digest": artifact.ref.digest,
        "contexts": asking.contexts_words,
        "asks": options.asks,
        "nine_models": loaded,
    }
    return report("hint", figures, data, check_gates(GATES, figures), time.perf_counter() - started_s)


def timings(asking: Asking, asks: int) -> dict[str, float]:
    """Percentiles of asking, off and on, without and with a model; ``asks`` of each."""
    figures: dict[str, float] = {}
    answered = 0
    for part, unit, scale in (("overhead", "us", 1e3), ("hint", "ms", 1e6)):
        off, on = time_in_turns(asking, asks, with_model=part == "hint")
        for name, timed in (("off", off), ("on", on)):
            for percentile in (50, 99):
                figures[f"{part}_{name}_p{percentile}_{unit}"] = timed.percentile_ns(percentile) / scale
            figures[f"{part}_{name}_observed_p50_us"] = float(np.median(timed.observed_ns)) / 1e3
        if part == "overhead":
            figures |= _by_way(on)
        answered += off.reasons[Reason.MODEL] + on.reasons[Reason.MODEL]
    return figures | {"model_share": answered / (4 * asks)}


def _by_way(on: Timed) -> dict[str, float]:
    """The overhead of units that the experiment has, and of those that are left to the rollout."""
    return {
        f"overhead_on_{name}_p50_us": float(np.median(took_ns)) / 1e3
        for name, took_ns in (("experiment", on.in_experiment_ns), ("rollout", on.in_rollout_ns))
    }


if __name__ == "__main__":
    sys.exit(main())
