"""What predicts the measures, as torch modules: linear stem, network, and the mix of both with the trees."""

import copy
from itertools import pairwise
from typing import cast

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn.utils.fusion import fuse_linear_bn_eval

from dwcp.features.transforms import Standardise
from dwcp.tasks.compression.contract import CANDIDATES
from dwcp.tasks.compression.inputs import MEASURES
from dwcp.tasks.compression.model.decision import TARGETS
from dwcp.tasks.compression.model.features import DEPTHS

__all__ = ["Mix", "Residual", "Stem"]

_COUNT = len(CANDIDATES)
_PLAIN_AT = next(place for place, action in enumerate(CANDIDATES) if action.name == "none")
_LARGEST_LOG_RATIO = 0.01


class Stem(nn.Module):
    """One linear map a depth.

    Args:
        weight: ``[depths, targets, features]``.
        bias: ``[depths, targets]``.
    """

    weight: Tensor
    bias: Tensor

    def __init__(self, weight: NDArray[np.floating], bias: NDArray[np.floating]) -> None:
        super().__init__()
        self.register_buffer("weight", torch.from_numpy(weight.astype(np.float32)))
        self.register_buffer("bias", torch.from_numpy(bias.astype(np.float32)))

    def forward(self, features: Tensor, depth: Tensor) -> Tensor:
        """``[batch, targets]``."""
        every = features @ self.weight.reshape(DEPTHS * TARGETS, -1).T + self.bias.reshape(-1)
        return (every.reshape(-1, DEPTHS, TARGETS) * depth.unsqueeze(2)).sum(dim=1)


class Residual(nn.Module):
    """The published network, 128-64-32 with batch norm and dropout, for what the stem leaves over.

    Args:
        mean: of the features, ``[features]``.
        deviation: of the features.
        scale: standard deviation of each target's residual, ``[targets]``.
    """

    scale: Tensor

    def __init__(
        self, mean: NDArray[np.floating], deviation: NDArray[np.floating], scale: NDArray[np.floating]
    ) -> None:
        super().__init__()
        self.register_buffer("scale", torch.from_numpy(scale.astype(np.float32)))
        self.standardise = Standardise(mean, deviation)
        widths = (len(mean) + DEPTHS, 128, 64, 32)
        hidden: list[nn.Module] = []
        for before, after in pairwise(widths):
            hidden += [nn.Linear(before, after), nn.BatchNorm1d(after), nn.ReLU(), nn.Dropout(0.1)]
        self.layers = nn.Sequential(*hidden, nn.Linear(widths[-1], len(scale)))

    def forward(self, features: Tensor, depth: Tensor) -> Tensor:
        """``[batch, targets]``, in the targets' own unit."""
        residual: Tensor = self.layers(_seen(self.standardise, features, depth)) * self.scale
        return residual


class Mix(nn.Module):
    """Stem plus weighted trees plus weighted network, brought to this machine's speed.

    Args:
        stem: fitted.
        network: fitted.
        tree_weight: of the trees' correction.
        network_weight: of the network's correction.
    """

    kept: Tensor
    timed: Tensor
    largest: Tensor

    def __init__(self, stem: Stem, network: Residual, tree_weight: float, network_weight: float) -> None:
        super().__init__()
        self.stem, self.tree_weight, self.network_weight = stem, tree_weight, network_weight
        self.standardise, self.layers = network.standardise, _folded(network, network_weight)
        kept = torch.ones(TARGETS)
        kept[_PLAIN_AT] = 0.0
        self.register_buffer("kept", kept)
        self.register_buffer("timed", torch.tensor([[0.0], [1.0], [1.0]]))
        self.register_buffer("largest", torch.tensor([[_LARGEST_LOG_RATIO], [torch.inf], [torch.inf]]))

    def forward(self, features: Tensor, depth: Tensor, slower: Tensor, trees: Tensor | None = None) -> Tensor:
        """Logarithms of the measures, ``[batch, 3, candidates]``; what is stored plainly keeps its size.

        What has no weight is not asked: without ``trees`` there are none.
        """
        logs = self.stem(features, depth)
        if trees is not None:
            logs = logs + self.tree_weight * trees
        if self.network_weight != 0:
            logs = logs + self.layers(_seen(self.standardise, features, depth))
        logs = (logs * self.kept).reshape(-1, len(MEASURES), _COUNT)
        return torch.minimum(logs + slower.unsqueeze(1) * self.timed, self.largest)


def _seen(standardise: Standardise, features: Tensor, depth: Tensor) -> Tensor:
    """What the network is given."""
    return torch.cat([torch.clamp(standardise(features), -5.0, 5.0), depth], dim=1)


def _folded(network: Residual, weight: float) -> nn.Sequential:
    """The network's layers with norms, scales and its weight in the linear maps: fewer operations to ask."""
    *hidden, head = copy.deepcopy(network.layers).eval()
    layers: list[nn.Module] = []
    for linear, norm, relu, _ in zip(*[iter(hidden)] * 4, strict=True):
        layers += [fuse_linear_bn_eval(linear, norm), relu]
    last = cast("nn.Linear", head)
    with torch.no_grad():
        last.weight.mul_(weight * network.scale.unsqueeze(1))
        last.bias.mul_(weight * network.scale)
    return nn.Sequential(*layers, last)
