"""The small modules between the parts of the graph."""

import math

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from dwcp.tasks.reliability.names import FEATURES

__all__ = ["Fusion", "Select", "robust_scale"]

_MOST_DEVIATION = 100.0


class Select(nn.Module):
    """The chosen features: raw for the trees, squashed for the forest, and what speaks for an anomaly.

    Args:
        chosen: positions among all features.
        centre: their usual values.
        spread: their robust deviations, above zero.
        weight: how much each counts among what speaks for an anomaly, 0 to 1.
    """

    chosen: Tensor
    centre: Tensor
    spread: Tensor
    spoken: Tensor

    def __init__(
        self,
        chosen: NDArray[np.int64],
        centre: NDArray[np.float64],
        spread: NDArray[np.float64],
        weight: NDArray[np.float64],
    ) -> None:
        super().__init__()
        spoken = np.zeros(len(FEATURES), np.float32)
        spoken[chosen] = weight
        middle, around = np.zeros(len(FEATURES), np.float32), np.ones(len(FEATURES), np.float32)
        middle[chosen], around[chosen] = centre, spread
        self.register_buffer("chosen", torch.from_numpy(chosen))
        self.register_buffer("centre", torch.from_numpy(middle))
        self.register_buffer("spread", torch.from_numpy(around))
        self.register_buffer("spoken", torch.from_numpy(spoken))

    def forward(self, features: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """``[batch, features]`` to chosen, squashed ``[batch, chosen]`` and ``[batch, features]``."""
        off = (features - self.centre) / self.spread
        squashed = off / (1.0 + off.abs())
        deviation = torch.clamp(off, -_MOST_DEVIATION, _MOST_DEVIATION) * self.spoken
        return features[:, self.chosen], squashed[:, self.chosen], deviation


class Fusion(nn.Module):
    """Log odds of the parts to calibrated ones.

    Args:
        weights: of trees, network, forest, then the intercept.
        threshold: the margin that quiet data rarely passes.
    """

    weights: Tensor
    threshold: Tensor

    def __init__(self, weights: NDArray[np.float64], threshold: float) -> None:
        super().__init__()
        self.register_buffer("weights", torch.from_numpy(weights.astype(np.float32)))
        self.register_buffer("threshold", torch.tensor(threshold, dtype=torch.float32))

    def forward(self, trees: Tensor, odds: Tensor, path: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Each ``[batch, 1]``; gives margin, threshold and novelty, each ``[batch]``."""
        novelty = torch.exp(path * -math.log(2.0))
        margin = trees * self.weights[0] + odds * self.weights[1] + novelty * self.weights[2]
        margin = margin[:, 0] + self.weights[3]
        return margin, torch.zeros_like(margin) + self.threshold, novelty[:, 0]


def robust_scale(rows: NDArray[np.float32]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Medians, and robust deviations that are never nothing, of features ``[rows, features]``."""
    values = rows.astype(np.float64)
    centre = np.median(values, axis=0)
    spread = 1.4826 * np.median(np.abs(values - centre), axis=0) + 0.1 * values.std(axis=0)
    return centre, np.where(spread > 1e-9, spread, np.maximum(0.1 * np.abs(centre), 1e-3))
