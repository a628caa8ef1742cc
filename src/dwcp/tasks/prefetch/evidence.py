"""How often each ground for fetching a block turned out right, of late."""

import math

from dwcp.tasks.prefetch.candidate import Ground

__all__ = ["Evidence", "EvidenceState"]

EvidenceState = list[tuple[list[str | int], float, float]]

_PRIOR_USED, _PRIOR_TRIED = 1.0, 3.0
"""A ground that nothing is known of is taken to be right once in three times, as if seen three times."""

_MEMORY = 200.0
"""From so many trials on, older ones are worth half."""


class Evidence:
    """Counts trials and successes of each ground; both halve now and then, so that the recent counts more."""

    def __init__(self) -> None:
        self._counts: dict[Ground, tuple[float, float]] = {}

    def __len__(self) -> int:
        return len(self._counts)

    def note(self, ground: Ground, used: bool) -> None:
        """Take in that a block named on this ground was read in time, or was not."""
        right, tried = self._counts.get(ground, (0.0, 0.0))
        right, tried = right + used, tried + 1.0
        if tried > _MEMORY:
            right, tried = right / 2, tried / 2
        self._counts[ground] = right, tried

    def precision(self, ground: Ground) -> float:
        """The share of right ones, less its standard error: what is little known has to be better."""
        right, tried = self._counts.get(ground, (0.0, 0.0))
        tried += _PRIOR_TRIED
        share = (right + _PRIOR_USED) / tried
        return share - math.sqrt(share * (1 - share) / tried)

    def snapshot(self) -> EvidenceState:
        """The counts, as JSON values."""
        return [(list(ground), right, tried) for ground, (right, tried) in self._counts.items()]

    def restore(self, state: EvidenceState) -> None:
        """Continue from a snapshot."""
        self._counts = {tuple(ground): (right, tried) for ground, right, tried in state}  # type: ignore[misc]
