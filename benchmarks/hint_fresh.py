"""What fresh processes take: memory with nine models loaded, and the time of imports."""

import subprocess
import sys
from collections.abc import Mapping, Sequence
from itertools import cycle, islice
from pathlib import Path

import numpy as np

from dwcp.errors import InputError
from dwcp.registry import Registry
from serving_models import copied_registry

__all__ = ["SERVER", "import_s", "nine_models", "resident_mb", "spread"]

IMPORT_RUNS = 5
MODELS = 9
SHIPPED = "compression"
TRAINED = ("bandwidth", "consensus", "reliability")
"""With the shipped one, all tasks that have a graph."""
SERVER = (
    "dwcp.serving.local, dwcp.serving.models, dwcp.serving.http, dwcp.serving.grpc, "
    "dwcp.serving.hints.http, dwcp.serving.metrics.routes, dwcp.serving.page.routes"
)

RESIDENT = """
import sys
from pathlib import Path
from dwcp.registry import Registry
from dwcp.serving.local import LocalAdvisor
from dwcp.tasks import discover
tasks, registry, left = discover(), Registry(Path(sys.argv[1])), sys.argv[2:]
advisors = []
while left:
    names = sorted(set(left))
    for name in names:
        left.remove(name)
    advisors.append(LocalAdvisor(tasks.values(), registry, deadline_ms=1000))
    for name in names:
        advisors[-1].load(name, "latest")
        hint = advisors[-1].ask(name, tasks[name].examples(1, 1)[0].context)
        assert hint.model is not None and hint.reason == "MODEL", hint
status = Path("/proc/self/status").read_text()
print(next(line.split()[1] for line in status.splitlines() if line.startswith("VmRSS:")))
"""
IMPORT = "import time; started = time.perf_counter(); import {}; print(time.perf_counter() - started)"


def nine_models(folder: Path, shipped: Path) -> list[str]:
    """Have a model of every task that has a graph; the tasks of nine models, as many twice as are missing.

    Their architecture is the shipped one, their training short: it changes no size.

    Args:
        folder: where they are kept between runs.
        shipped: the registry that has the shipped model.

    Raises:
        InputError: one cannot be trained.
    """
    root = folder / "registry"
    if not (root / SHIPPED).is_dir():
        copied_registry(shipped, SHIPPED, root)
    missing = [task for task in TRAINED if not (root / task / "latest").exists()]
    if missing:
        print(f"training {', '.join(missing)}: once, for half a minute", file=sys.stderr, flush=True)
        # With a status of 3 the model is published, and short of a target.
        words = ["--examples", "200", "--epochs", "2", "--seed", "7", "--parallel", "1"]
        command = [sys.executable, "-m", "dwcp.cli.app", "--home", str(folder), "train", *missing, *words]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode not in (0, 3):
            raise InputError(f"{', '.join(missing)} cannot be trained: {done.stderr.strip()[-300:]}")
    registry = Registry(root)
    return spread({task: len(registry.load(task, "latest").model) for task in (SHIPPED, *TRAINED)})


def spread(sizes: Mapping[str, int], most: int = MODELS) -> list[str]:
    """As many names as are wanted, the largest first, and over again where there are fewer."""
    largest_first = sorted(sizes, key=sizes.__getitem__, reverse=True)
    return sorted(islice(cycle(largest_first), most))


def resident_mb(root: Path, loaded: Sequence[str]) -> float:
    """Megabytes of a process that has loaded a registry's models and asked each once."""
    return int(fresh(RESIDENT, str(root), *loaded)) * 1024 / 1e6


def import_s(modules: str) -> float:
    """Seconds the import takes in a fresh process; the median of a few."""
    return float(np.median([float(fresh(IMPORT.format(modules))) for _ in range(IMPORT_RUNS)]))


def fresh(program: str, *arguments: str) -> str:
    """What a program prints in a fresh process."""
    command = [sys.executable, "-c", program, *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout
