"""The latest steps of every node of a fleet, as the detector's contexts."""

from collections import deque
from collections.abc import Mapping

import numpy as np

from dwcp.tasks.reliability.contract import METRICS, STEPS, Context, Sample
from dwcp.tasks.reliability.series import peer_medians

__all__ = ["FleetWindow"]

_NOTHING = Sample()
_Pair = tuple[Sample, Sample]


class FleetWindow:
    """Keeps as many steps as a context holds."""

    def __init__(self) -> None:
        self._nodes: dict[str, deque[_Pair]] = {}

    def add(self, values: Mapping[str, Mapping[str, float]]) -> None:
        """Take in a step: of each node what was measured. A node that is not in it is forgotten."""
        names = list(values)
        metrics = np.array([[[values[node].get(name, np.nan) for name in METRICS] for node in names]])
        peers = peer_medians(metrics) if len(names) > 1 else np.full(metrics.shape, np.nan)
        before = self._nodes
        self._nodes = {node: before.get(node, deque(maxlen=STEPS)) for node in names}
        for place, node in enumerate(names):
            self._nodes[node].append((_sample(metrics[0, place].tolist()), _sample(peers[0, place].tolist())))

    def add_gap(self, steps: int) -> None:
        """Take in so many steps of which nothing is known; none where that is below 0."""
        for pairs in self._nodes.values():
            pairs.extend([(_NOTHING, _NOTHING)] * min(steps, STEPS))

    def contexts(self) -> dict[str, Context]:
        """By node; without peers where there is one node alone."""
        return {
            node: Context(
                node,
                tuple(own for own, _ in pairs),
                tuple(peers for _, peers in pairs) if len(self._nodes) > 1 else (),
            )
            for node, pairs in self._nodes.items()
        }


def _sample(row: list[float]) -> Sample:
    known = (value if value == value else None for value in row)
    return Sample(**dict(zip(METRICS, known, strict=True)))
