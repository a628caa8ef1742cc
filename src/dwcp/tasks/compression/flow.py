"""What one flow has taught: how far predictions were off on blocks like the one at hand."""

import math

import numpy as np
from numpy.typing import NDArray

from dwcp.codecs.facts import BlockFacts
from dwcp.tasks.compression.contract import CANDIDATES
from dwcp.tasks.compression.inputs import MEASURES

__all__ = ["FlowMemory"]

Floats = NDArray[np.float64]

_KEPT = 64
"""Outcomes remembered of a flow."""
_FADING = 0.95
"""What is left of an outcome's weight after one more outcome."""
_LIKENESS = 0.3
"""Difference of log ratios at which a block counts for 61%: a kernel's bandwidth."""
_WEIGHT_OF_AGE = _FADING ** np.arange(_KEPT)
_SHAPE = len(MEASURES), len(CANDIDATES)
_ROWS = len(CANDIDATES) * np.arange(len(MEASURES))
"""Where each measure begins, the measures' candidates laid end to end."""
_DELTA = np.array([action.use_reference for action in CANDIDATES])


class FlowMemory:
    """The last outcomes of a flow, each with the block's likeness: log ratios of its cheapest probes.

    A disk image holds text, programs and tables in turn; what was learned of the one says little of the
    other. Outcomes therefore count by age and by how like their block was (a Gaussian kernel).
    """

    __slots__ = ("_errors", "_likeness", "_next", "_positions", "budget_s", "predicted")

    def __init__(self) -> None:
        self._errors = np.zeros((_KEPT, len(MEASURES)))
        self._likeness = np.zeros((_KEPT, 2))
        self._positions = np.full(_KEPT, -1)
        self._next = 0
        self.predicted: NDArray[np.float32] | None = None
        self.budget_s = 0.0

    def note(self, facts: BlockFacts, position: int, errors: tuple[float, float, float]) -> None:
        """Remember one outcome.

        Args:
            facts: of the block.
            position: of the candidate.
            errors: log of measured over predicted, by measure; NaN where not measured.
        """
        at = self._next % _KEPT
        self._errors[at], self._likeness[at], self._positions[at] = errors, _likeness(facts), position
        self._next += 1

    def recall(self, facts: BlockFacts) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """Weights and weighted mean errors for a block, each ``[measures, candidates]``."""
        kept = min(self._next, _KEPT)
        if kept == 0:
            return np.zeros(_SHAPE, np.float32), np.zeros(_SHAPE, np.float32)
        positions, errors = self._positions[:kept], self._errors[:kept]
        age = (self._next - 1 - np.arange(kept)) % _KEPT
        apart = (self._likeness[:kept] - _likeness(facts)) / _LIKENESS
        distance = np.where(_DELTA[positions], apart[:, 1], apart[:, 0])
        weight = _WEIGHT_OF_AGE[age] * np.exp(-0.5 * distance**2)
        known = ~np.isnan(errors)
        at = (positions[:, None] + _ROWS)[known]
        w = np.broadcast_to(weight[:, None], errors.shape)[known]
        total = np.bincount(at, w, _SHAPE[0] * _SHAPE[1])
        mean = np.bincount(at, w * errors[known], total.size) / np.maximum(total, 1e-12)
        return total.astype(np.float32).reshape(_SHAPE), mean.astype(np.float32).reshape(_SHAPE)

    def as_json(self) -> dict[str, object]:
        """JSON values; NaN as None."""
        kept = min(self._next, _KEPT)
        order = [(self._next - kept + i) % _KEPT for i in range(kept)]
        return {
            "positions": self._positions[order].tolist(),
            "likeness": self._likeness[order].tolist(),
            "errors": [[None if math.isnan(e) else e for e in row] for row in self._errors[order].tolist()],
        }

    @classmethod
    def from_json(cls, memory: dict[str, list]) -> "FlowMemory":  # type: ignore[type-arg]
        """Continue from `as_json`."""
        flow = cls()
        for at, (position, likeness, errors) in enumerate(
            zip(memory["positions"], memory["likeness"], memory["errors"], strict=True)
        ):
            flow._positions[at], flow._likeness[at] = position, likeness
            flow._errors[at] = [math.nan if error is None else error for error in errors]
        flow._next = len(memory["positions"])
        return flow


def _likeness(facts: BlockFacts) -> tuple[float, float]:
    probe = facts.lz4
    plain = math.log(max(probe.ratio, 1e-4)) if probe else 0.3 * facts.entropy_bits
    delta = facts.reference.delta if facts.reference else None
    return plain, math.log(max(delta.ratio, 1e-4)) if delta else 0.0
