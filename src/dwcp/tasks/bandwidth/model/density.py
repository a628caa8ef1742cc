"""A forecast as a whole distribution, and everything that is read from it.

The network gives each of a row of bins its probability. A bin is a range of the logarithm of what comes over
what was last, in units of how much the window moves: narrow in the middle, ever wider towards the ends, as
``sinh`` spaces them. Inside a bin the density is flat. Median, tails and the chance of being within 20% of
any value then follow exactly, and agree with each other; each of them trained by itself would not.
"""

import math

import torch
from torch import Tensor, nn

from dwcp.tasks.bandwidth.model.features import Anchors

__all__ = ["BINS", "Density", "bin_of", "unit_of"]

BINS = 64
_BEND, _FURTHEST = 7.5, 40.0
_LEAST_UNIT = 0.05
_TAIL = 0.05
_LEAST_MASS = 1e-9

_NEAR = 0.2
_NEAR_FLOOR_MBPS = 1e-3
_NEAR_LEAST = 1e-12
_PLACES, _FARTHEST_PLACE = 41, 0.6
_PULL = 0.3
"""What a centre away from the median costs: chance per unit of the logarithm; chosen on validation traces."""
_EAGER = 50.0
"""How sharply the best centre is chosen: sharper is no better, and differs more between runtimes."""


def unit_of(anchors: Anchors) -> Tensor:
    """What bins are measured in, as a logarithm, ``[batch, 1]``."""
    return anchors.scale + _LEAST_UNIT


def bin_of(truth: Tensor, anchors: Anchors) -> Tensor:
    """The bin that each throughput in Mbit/s falls into, ``[batch, targets]``; any where it is unknown."""
    logs = torch.log((torch.nan_to_num(truth).clamp(min=0.0) + anchors.floor_mbps) / anchors.latest_mbps)
    return torch.bucketize((logs / unit_of(anchors)).contiguous(), _edges()[1:-1])


def _edges() -> Tensor:
    places = torch.linspace(-1.0, 1.0, BINS + 1)
    return torch.sinh(places * _BEND) * (_FURTHEST / math.sinh(_BEND))


class Density(nn.Module):
    """Reads one target's forecast from the chances of its bins."""

    lower: Tensor
    width: Tensor
    left: Tensor
    before: Tensor
    places: Tensor

    def __init__(self) -> None:
        super().__init__()
        edges = _edges()
        self.register_buffer("lower", edges[:-1])
        self.register_buffer("width", edges[1:] - edges[:-1])
        self.register_buffer("left", (edges[:-1] < 0).to(edges.dtype))
        self.register_buffer("before", torch.triu(torch.ones(BINS, BINS), diagonal=1))
        self.register_buffer("places", torch.linspace(-_FARTHEST_PLACE, _FARTHEST_PLACE, _PLACES))

    def forward(self, chances: Tensor, anchors: Anchors) -> tuple[Tensor, Tensor]:
        """Low, middle and high logarithm over the last value ``[batch, 3]``, and the middle's chance.

        The middle is where most chance lies within 20%, not far from the median: what streams are sized by
        should be near what comes more often than it should be right on average.

        Args:
            chances: of the bins, ``[batch, BINS]``; they sum to 1.
            anchors: what the forecast is relative to.
        """
        unit = unit_of(anchors)
        median = self._quantile(chances, 0.5) * unit
        centres = torch.cat([median, median + self.places], dim=1)
        worth = self._near(chances, centres, anchors) - _PULL * (centres - median).abs()
        shares = torch.softmax(worth * _EAGER, dim=1)
        centre = (centres * shares).sum(dim=1, keepdim=True)
        low = torch.minimum(self._quantile(chances, _TAIL) * unit, centre)
        high = torch.maximum(self._quantile(chances, 1.0 - _TAIL) * unit, centre)
        return torch.cat([low, centre, high], dim=1), self._near(chances, centre, anchors)[:, 0]

    def _below(self, chances: Tensor, logs: Tensor, unit: Tensor) -> Tensor:
        """Chance of coming out below each of these, ``[batch, k]``."""
        inside = ((logs / unit).unsqueeze(2) - self.lower) / self.width
        return (chances.unsqueeze(1) * inside.clamp(0.0, 1.0)).sum(dim=2)

    def _quantile(self, chances: Tensor, level: float) -> Tensor:
        """In units, ``[batch, 1]``; counted from the nearer end, summed from the middle."""
        upper = level > 0.5
        beyond = chances @ (self.before.T if upper else self.before)
        inside = ((1.0 - level if upper else level) - beyond) / chances.clamp(min=_LEAST_MASS)
        below = 1.0 - inside.clamp(0.0, 1.0) if upper else inside.clamp(0.0, 1.0)
        return ((below - self.left) * self.width).sum(dim=1, keepdim=True)

    def _near(self, chances: Tensor, logs: Tensor, anchors: Anchors) -> Tensor:
        """Chance that the truth is such that each of these is within 20% of it; one kbit/s is forgiven."""
        floor, latest, unit = anchors.floor_mbps, anchors.latest_mbps, unit_of(anchors)
        told = torch.clamp(latest * torch.exp(logs) - floor, min=0.0)
        most = (told + _NEAR_FLOOR_MBPS) / (1.0 - _NEAR)
        least = (told - _NEAR_FLOOR_MBPS) / (1.0 + _NEAR)
        idle = (told <= _NEAR_FLOOR_MBPS).to(told.dtype)
        above = self._below(chances, torch.log((most + floor) / latest), unit)
        short = torch.log((torch.clamp(least, min=0.0) + floor).clamp(min=_NEAR_LEAST) / latest)
        return above - self._below(chances, short, unit) * (1.0 - idle)
