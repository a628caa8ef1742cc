"""The input specification: what a model is fed, by name, with a fingerprint that refuses mix-ups."""

import hashlib
import json
from dataclasses import asdict, dataclass
from typing import Literal

__all__ = ["InputColumn", "InputSpec"]


@dataclass(frozen=True, slots=True)
class InputColumn:
    """One named input tensor.

    Attributes:
        name: the tensor's name in the graph.
        dtype: element type.
        shape: the shape of one decision, without the batch dimension; ``()`` for a scalar.
        unit: the unit of every element, ``1`` for a plain number.
        meaning: one line for the documentation.
        low: smallest value that makes sense, or None.
        high: largest value that makes sense, or None.
    """

    name: str
    dtype: Literal["float32", "int64"]
    shape: tuple[int, ...]
    unit: str
    meaning: str
    low: float | None = None
    high: float | None = None


@dataclass(frozen=True, slots=True)
class InputSpec:
    """Every input of a task's graph, in order, plus the vocabularies the positions stand for.

    Attributes:
        task: the task's name.
        columns: the input tensors, in the graph's order.
        vocabularies: for each categorical or per-candidate axis, the names of its positions, in order.
    """

    task: str
    columns: tuple[InputColumn, ...]
    vocabularies: tuple[tuple[str, tuple[str, ...]], ...] = ()

    def as_json(self) -> dict[str, object]:
        """The specification as plain JSON values, as it stands in the manifest."""
        return json.loads(json.dumps(asdict(self)))  # type: ignore[no-any-return]

    @property
    def fingerprint(self) -> str:
        """A 16-digit hex digest of the canonical specification; documentation does not change it."""
        plain = self.as_json()
        for column in plain["columns"]:  # type: ignore[attr-defined]
            del column["meaning"]
        canonical = json.dumps(plain, sort_keys=True, separators=(",", ":"))
        return hashlib.blake2b(canonical.encode(), digest_size=8).hexdigest()
