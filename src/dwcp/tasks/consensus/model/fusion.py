"""The last module of the graph: scores of the parts to one calibrated margin."""

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from dwcp.tasks.consensus.inputs import PARTS
from dwcp.tasks.consensus.model.boosting import BOOSTERS
from dwcp.tasks.consensus.names import CHANNELS, MOVING

__all__ = ["Fusion", "parts_of"]

_MOVING_AT = [CHANNELS.index(name) for name in MOVING]
_RULES_AT = CHANNELS.index("rules_broken")


class Fusion(nn.Module):
    """Log odds and scores to calibrated log odds.

    Args:
        weights: of the parts in their order, then the intercept.
        threshold: the margin that quiet data rarely passes.
        evidence: how much each channel counts as evidence, 0 to 1.
    """

    weights: Tensor
    threshold: Tensor
    evidence: Tensor

    def __init__(self, weights: NDArray[np.float64], threshold: float, evidence: NDArray[np.float64]) -> None:
        super().__init__()
        self.register_buffer("weights", torch.from_numpy(weights.astype(np.float32)))
        self.register_buffer("threshold", torch.tensor(threshold, dtype=torch.float32))
        self.register_buffer("evidence", torch.from_numpy(evidence.astype(np.float32)))

    def forward(
        self, trees: Tensor, errors: Tensor, surprise: Tensor, latest: Tensor
    ) -> tuple[Tensor, Tensor, Tensor, Tensor, Tensor]:
        """Scores ``[batch, any]`` and deviations ``[batch, channels]`` to the declared outputs."""
        parts = parts_of(trees, errors, surprise, latest)
        margin = self.weights[-1] + torch.zeros_like(parts[:, 0])
        for place in range(len(PARTS)):
            margin = margin + self.weights[place] * parts[:, place]
        threshold = torch.zeros_like(margin) + self.threshold
        return margin, threshold, parts, latest, torch.zeros_like(latest) + self.evidence


def parts_of(trees: Tensor, errors: Tensor, surprise: Tensor, latest: Tensor) -> Tensor:
    """The score of each part, ``[batch, parts]``; boosters count alike."""
    mean = trees[:, :1]
    for place in range(1, BOOSTERS):
        mean = mean + trees[:, place : place + 1]
    moving = torch.cat([latest[:, place : place + 1] for place in _MOVING_AT], dim=1)
    deviation = torch.log(1.0 + moving.abs().amax(dim=1, keepdim=True))
    rules = (latest[:, _RULES_AT : _RULES_AT + 1] > 0).to(latest.dtype)
    return torch.cat([mean / BOOSTERS, errors, surprise, deviation, rules], dim=1)
