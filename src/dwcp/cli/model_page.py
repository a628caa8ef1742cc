"""What is shown of a model: one version, or two side by side."""

import math
from collections.abc import Iterator, Mapping
from dataclasses import asdict
from datetime import UTC, datetime
from typing import Any

from dwcp.registry import Difference, GateRecord, JournalEntry, Pair, Registry

__all__ = ["describe", "difference_rows", "figure_rows", "lines_of"]


def describe(registry: Registry, task: str, reference: str) -> dict[str, Any]:
    """A version's manifest, digest, aliases and journal, as JSON values.

    Raises:
        RegistryError: there is no such version, it is damaged, or the registry cannot be read.
    """
    artifact = registry.load(task, reference)
    version = artifact.ref.version
    entries = [
        entry for entry in registry.history(task).entries if version in (entry.version, entry.previous)
    ]
    return {
        **artifact.manifest.model_dump(mode="json"),
        "digest": artifact.ref.digest,
        "folder": str(artifact.folder),
        "aliases": sorted(alias for alias, held in registry.aliases(task).items() if held == version),
        "journal": [
            entry.model_dump(mode="json", by_alias=True) | {"when": _when(entry)} for entry in entries
        ],
    }


def lines_of(description: Mapping[str, Any]) -> Iterator[str]:
    """The description in lines for people."""
    aliases = ", ".join(description["aliases"]) or "no alias"
    yield f"{description['task']} {description['version']} ({aliases})"
    yield f"  digest       {description['digest']}"
    yield f"  fingerprint  {description['fingerprint']}"
    yield f"  folder       {description['folder']}"
    yield f"  data         {description['data']}"
    yield f"  seed         {description['seed']}, made on {description['instruction_set']}"
    libraries = (f"{name} {number}" for name, number in description["libraries"].items())
    yield f"  libraries    {', '.join(libraries)}"
    yield "gates"
    yield from (f"  {_gate_text(GateRecord(**gate))}" for gate in description["gates"])
    yield "inputs"
    for column in description["input_spec"]["columns"]:
        kind = f"{column['dtype']}{list(column['shape'])} in {column['unit']}"
        yield f"  {column['name']} {kind}: {column['meaning']}"
    yield "journal"
    for entry in description["journal"]:
        what = " ".join(part for part in (entry["action"], entry["alias"]) if part)
        yield f"  {entry['when']} {entry['who']}: {what} {_moved(entry)}, {entry['why'] or 'no reason given'}"


def figure_rows(description: Mapping[str, Any]) -> list[tuple[str, ...]]:
    """A header, then each policy with the gates' figures, the best on the first gate first."""
    gates = description["gates"]
    names = [gate["metric"] for gate in gates]
    sign = -1 if gates and gates[0]["direction"] == "at_least" else 1

    def place(item: tuple[str, Mapping[str, float]]) -> float:
        figure = item[1].get(names[0], math.inf) if names else 0.0
        return sign * figure

    ordered = sorted(description["metrics"].items(), key=place)
    rows = [(policy, *(_text(figures.get(name)) for name in names)) for policy, figures in ordered]
    return [("policy", *names), *rows]


def difference_rows(difference: Difference) -> list[dict[str, object]]:
    """Two versions row by row: part, name, both values in words, and whether they are the same."""
    parts: dict[str, tuple[Pair[Any], ...]] = {
        "figure": difference.metrics,
        "gate": difference.gates,
        "input": difference.inputs,
        "library": difference.libraries,
        "bytes": difference.sizes_bytes,
    }
    return [
        {"part": part, "name": pair.name, "a": _text(pair.a), "b": _text(pair.b), "same": pair.same}
        for part, pairs in parts.items()
        for pair in pairs
    ]


def _text(value: Any) -> str:
    if value is None:
        return "–"
    if isinstance(value, GateRecord):
        return _gate_text(value)
    if isinstance(value, float):
        return f"{value:.4g}"
    if isinstance(value, tuple):
        return ", ".join(map(str, value))
    if hasattr(value, "meaning"):
        return ", ".join(f"{name} {inner}" for name, inner in asdict(value).items() if name != "name")
    return f"{value:,}" if isinstance(value, int) else str(value)


def _gate_text(gate: GateRecord) -> str:
    figure = "missing" if gate.figure is None else f"{gate.figure:.4g}"
    sign = ">=" if gate.direction == "at_least" else "<="
    return f"{gate.metric}: {figure} (gate {sign} {gate.limit:g}) {'met' if gate.met else 'short'}"


def _moved(entry: Mapping[str, Any]) -> str:
    if entry["from"] is None:
        return str(entry["to"])
    return f"{entry['from']} -> {entry['to'] or 'nothing'}"


def _when(entry: JournalEntry) -> str:
    return datetime.fromtimestamp(entry.when_s, UTC).strftime("%Y-%m-%d %H:%M:%SZ")
