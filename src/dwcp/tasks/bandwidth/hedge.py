"""Hedge over experts whose past counts less and less.

Source: Freund and Schapire, "A decision-theoretic generalization of on-line learning" (1997), with
exponential discounting of losses (Chernov and Zhdanov, "Prediction with expert advice under discounted loss",
2010). Losses of a step are divided by their mean, so that what is learned does not depend on how much the
link fluctuates. A miss is a miss: beyond a third, errors do not count as larger.
"""

from dataclasses import dataclass, field
from functools import lru_cache

import numpy as np

from dwcp.tasks.bandwidth.series import Floats

__all__ = ["Hedge"]

_RATE = 3.0
_DISCOUNT = 0.97
_LARGEST_ERROR = 0.3
_LARGEST_LOSS = 4.0
_SMALLEST = 1e-9


@dataclass(slots=True)
class Hedge:
    """Discounted losses of every expert.

    Attributes:
        losses: summed, one an expert; by how much they differ is all that counts.
    """

    losses: list[float] = field(default_factory=list)

    @classmethod
    def among(cls, experts: int) -> "Hedge":
        """Nothing known of any of them."""
        return cls([0.0] * experts)

    def weights(self, credit: float = 0.0) -> Floats:
        """One an expert; they sum to 1. Credit is what losses of the last expert are forgiven: a prior."""
        losses = np.array(self.losses)
        losses[-1] -= credit
        weights = np.exp(-_RATE * (losses - losses.min()))
        return np.asarray(weights / weights.sum())

    def learn(self, errors: Floats) -> None:
        """Take in absolute errors of logarithms of one step, one an expert; all zero says nothing."""
        capped = np.minimum(errors, _LARGEST_ERROR)
        scale = float(capped.mean())
        if scale <= _SMALLEST:
            return
        fresh = np.minimum(capped / scale, _LARGEST_LOSS)
        self.losses = (_DISCOUNT * np.array(self.losses) + fresh).tolist()

    def after(self, errors: Floats) -> "Hedge":
        """As it would be after absolute errors of several steps, ``(experts, steps)``, oldest first."""
        capped = np.minimum(errors, _LARGEST_ERROR)
        scale = np.maximum(capped.sum(axis=0) / len(capped), _SMALLEST)
        steps = errors.shape[1]
        fresh = np.minimum(capped / scale, _LARGEST_LOSS) @ _discounts(steps)
        return Hedge((_DISCOUNT**steps * np.array(self.losses) + fresh).tolist())

    def lasting(self, steps: int) -> "Hedge":
        """The same opinion as if it came from so many steps only."""
        losses = np.array(self.losses)
        if mean := float(losses.mean()):
            losses *= (1 - _DISCOUNT**steps) / (1 - _DISCOUNT) / mean
        return Hedge(losses.tolist())


@lru_cache(maxsize=128)
def _discounts(steps: int) -> Floats:
    """What losses of so many steps count, oldest first."""
    return np.asarray(_DISCOUNT ** np.arange(steps - 1, -1, -1))
