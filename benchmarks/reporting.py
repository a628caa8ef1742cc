"""How every benchmark ends: a file of figures with where they come from, then its gates, one a line."""

import json
import platform
import sys
from collections.abc import Mapping, Sequence
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from dwcp.errors import StorageError
from dwcp.evaluation import GateResult, atomic_write
from dwcp.training.provenance import instruction_set

RESULTS = Path(__file__).parent / "results"
LIBRARIES = (
    "backports.zstd",
    "blake3",
    "cramjam",
    "dwcp",
    "lz4",
    "numpy",
    "onnxruntime",
    "xgboost-cpu",
    "xxhash",
)


def report(
    name: str,
    figures: Mapping[str, object],
    data: object,
    gates: Sequence[GateResult],
    seconds: float,
    results: Path = RESULTS,
) -> int:
    """Write ``NAME.json`` whole or not at all, print the gates as the last lines.

    Args:
        name: the benchmark.
        figures: what was measured, as JSON values; units are in the names.
        data: what it was measured on, as JSON values: names, and digests where there are files.
        gates: what the figures are held against.
        seconds: how long the run took.
        results: folder of the file.

    Returns:
        The exit code: 0 with every gate met, 1 with one short, 2 when the file cannot be written.
    """
    content = {
        "benchmark": name,
        "figures": figures,
        "data": data,
        "gates": [_gate(result) for result in gates],
        "environment": environment(),
        "seconds": round(seconds, 1),
    }
    try:
        atomic_write(results / f"{name}.json", (json.dumps(content, indent=2) + "\n").encode())
    except StorageError as error:
        print(error, file=sys.stderr)
        return 2
    for result in gates:
        print(result.line())
    return 0 if all(result.met for result in gates) else 1


def environment(cpu_facts: Path = Path("/proc/cpuinfo")) -> dict[str, object]:
    """What a figure depends on besides the data: versions, processor, instruction set."""
    return {
        "python": platform.python_version(),
        "libraries": {library: found for library in LIBRARIES if (found := _version(library))},
        "cpu": _cpu_model(cpu_facts),
        "instruction_set": instruction_set(cpu_facts),
        "system": platform.platform(terse=True),
    }


def _version(library: str) -> str | None:
    try:
        return version(library)
    except PackageNotFoundError:
        return None


def _cpu_model(cpu_facts: Path) -> str:
    try:
        lines = cpu_facts.read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return platform.processor()
    models = (line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
    return next(models, platform.processor())


def _gate(result: GateResult) -> dict[str, object]:
    gate = result.gate
    return {
        "metric": gate.metric,
        "limit": gate.limit,
        "direction": gate.direction,
        "meaning": gate.meaning,
        "figure": result.figure,
        "met": result.met,
    }
