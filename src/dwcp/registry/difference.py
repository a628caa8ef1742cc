"""Two versions of a task, side by side."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Generic, TypeVar

from dwcp.registry.artifact import ArtifactRef
from dwcp.registry.layout import MANIFEST
from dwcp.registry.manifest import GateRecord, Manifest

__all__ = ["Difference", "Pair", "difference"]

ValueT = TypeVar("ValueT")


@dataclass(frozen=True, slots=True)
class Pair(Generic[ValueT]):
    """One value of both versions; None where a version has no such value."""

    name: str
    a: ValueT | None
    b: ValueT | None

    @property
    def same(self) -> bool:
        """Whether both are equal; NaN equals NaN."""
        return self.a == self.b or (self.a != self.a and self.b != self.b)


@dataclass(frozen=True, slots=True)
class Difference:
    """What two versions say of themselves, row by row; rows that are the same are there too."""

    a: ArtifactRef
    b: ArtifactRef
    metrics: tuple[Pair[float], ...]
    """Named ``policy/metric``."""
    gates: tuple[Pair[GateRecord], ...]
    """Named by metric."""
    inputs: tuple[Pair[object], ...]
    """The input specification: ``fingerprint``, each ``columns/name`` and each ``vocabularies/name``."""
    libraries: tuple[Pair[str], ...]
    sizes_bytes: tuple[Pair[int], ...]
    """The size of each file."""


def difference(a: Manifest, b: Manifest) -> Difference:
    """Lay two manifests side by side; names are in order."""
    return Difference(
        a=ArtifactRef(a.task, a.version, a.digest),
        b=ArtifactRef(b.task, b.version, b.digest),
        metrics=_pairs(_metrics(a), _metrics(b)),
        gates=_pairs({gate.metric: gate for gate in a.gates}, {gate.metric: gate for gate in b.gates}),
        inputs=_pairs(_inputs(a), _inputs(b)),
        libraries=_pairs(a.libraries, b.libraries),
        sizes_bytes=_pairs(_sizes_bytes(a), _sizes_bytes(b)),
    )


def _pairs(a: Mapping[str, ValueT], b: Mapping[str, ValueT]) -> tuple[Pair[ValueT], ...]:
    return tuple(Pair(name, a.get(name), b.get(name)) for name in sorted({*a, *b}))


def _metrics(manifest: Manifest) -> dict[str, float]:
    return {
        f"{policy}/{metric}": figure
        for policy, figures in manifest.metrics.items()
        for metric, figure in figures.items()
    }


def _inputs(manifest: Manifest) -> dict[str, object]:
    rows: dict[str, object] = {"fingerprint": manifest.fingerprint}
    spec = manifest.specification()
    rows |= {f"columns/{column.name}": column for column in spec.columns}
    rows |= {f"vocabularies/{name}": positions for name, positions in spec.vocabularies}
    return rows


def _sizes_bytes(manifest: Manifest) -> dict[str, int]:
    sizes = {name: entry.bytes for name, entry in manifest.files.items()}
    return sizes | {MANIFEST: len(manifest.to_json())}
