"""The graph's parts, as torch modules: features, linear stem, network, what the flow taught, decision."""

import math
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from dwcp.features.transforms import Ratio, SafeLog, Standardise
from dwcp.tasks.compression.contract import CANDIDATES
from dwcp.tasks.compression.inputs import FACTS, MEASURES, MISSING

__all__ = [
    "DEPTHS",
    "NOT_ALLOWED_S",
    "TARGETS",
    "Decide",
    "Features",
    "FlowPrior",
    "Mix",
    "Residual",
    "Stem",
    "feature_names",
]

DEPTHS = 4
"""Depths of looking: statistics, light, medium, deep."""
TARGETS = len(MEASURES) * len(CANDIDATES)
"""Predicted numbers, measure by measure."""
NOT_ALLOWED_S = 1e30

_COUNT = len(CANDIDATES)
_AT = {name: position for position, name in enumerate(FACTS)}
_SPEED_OF = {
    "lz4_light": "lz4",
    "lz4": "lz4",
    "zstd_fast": "zstd-1",
    "zstd_strong": "zstd-9",
    "zstd_whole": "zstd-1",
    "delta": "delta-1",
}
_CANDIDATE_AT = {action.name: position for position, action in enumerate(CANDIDATES)}
_SHARES = ("zero_share", "text_share", "repeat_share", "reference_same_share")
_ENTROPIES = ("entropy_bits", "difference_entropy_bits", "stride_entropy_bits")
_SMALLEST_RATIO, _SMALLEST_MS = 1e-4, 1e-3
_MIB = 1024.0 * 1024.0
_WITHIN = math.log(1.05)


def feature_names() -> tuple[str, ...]:
    """What `Features` gives for the stem and the network, in order."""
    logs = ("block_bytes", "reference_window_bytes", *(f"{p}_ratio" for p in _SPEED_OF))
    return (*logs, *(f"{p}_ms_per_mib" for p in _SPEED_OF), *_ENTROPIES, *_SHARES, "reference_changed_share")


class Features(nn.Module):
    """Facts and calibration to what the learners see.

    Args:
        training_speed: milliseconds per MiB of each candidate where the training rows were measured.
    """

    training_speed: Tensor

    def __init__(self, training_speed: NDArray[np.floating]) -> None:
        super().__init__()
        self.register_buffer("training_speed", torch.from_numpy(training_speed.astype(np.float32)))
        self._ratio = Ratio(_SMALLEST_RATIO)
        self._ms = [_AT[f"{probe}_ms_per_mib"] for probe in _SPEED_OF]
        self._ratios = [_AT[f"{probe}_ratio"] for probe in _SPEED_OF]
        self._speeds = [_CANDIDATE_AT[name] for name in _SPEED_OF.values()]
        self._sizes = [_AT["block_bytes"], _AT["reference_window_bytes"]]
        self._entropies = [_AT[name] for name in _ENTROPIES]
        self._shares = [_AT[name] for name in _SHARES]

    def forward(self, facts: Tensor, speed_ms_per_mib: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        """Raw inputs for trees, features for the rest, depth one-hot, and log speed against training.

        Trees get only what IEEE 754 rounds exactly: the facts, with milliseconds as if measured at the
        training machine's speed.
        """
        unknown = speed_ms_per_mib <= 0
        slower = torch.where(
            unknown, torch.ones_like(speed_ms_per_mib), speed_ms_per_mib / self.training_speed
        )
        ms = facts[:, self._ms]
        ms = torch.where(ms < 0, ms, ms / slower[:, self._speeds])
        ratios = facts[:, self._ratios]
        sizes = facts[:, self._sizes]
        shares = facts[:, self._shares]
        entropies = torch.clamp(facts[:, self._entropies], 0.0, 8.0)
        same = shares[:, 3:4]
        features = torch.cat(
            [
                _log_or_zero(sizes, SafeLog(1.0)),
                _log_or_zero(ratios, SafeLog(_SMALLEST_RATIO)),
                _log_or_zero(ms, SafeLog(_SMALLEST_MS)),
                entropies,
                torch.clamp(shares, 0.0, 1.0),
                torch.where(same < 0, torch.zeros_like(same), torch.log(1.02 - torch.clamp(same, max=1.0))),
            ],
            dim=1,
        )
        growth = self._ratio(ratios[:, [0, 1, 2, 2]], ratios[:, 1:5])
        raw = torch.cat([sizes, ratios, ms, entropies, shares, growth], dim=1)
        known = (ratios[:, :4] >= 0).to(facts.dtype)
        light, medium, deep = known[:, 0:1], known[:, 2:3], known[:, 3:4]
        depth = torch.cat([1 - light, light * (1 - medium), medium * (1 - deep), medium * deep], dim=1)
        return raw, features, depth, torch.log(slower)


def _log_or_zero(values: Tensor, log: SafeLog) -> Tensor:
    """Nothing is known of a missing value: it says nothing, and the depth tells that it is missing."""
    return torch.where(values <= MISSING, torch.zeros_like(values), log(values))


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
        parts = [depth[:, d : d + 1] * (features @ self.weight[d].T + self.bias[d]) for d in range(DEPTHS)]
        return parts[0] + parts[1] + parts[2] + parts[3]


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
        scaled = torch.clamp(self.standardise(features), -5.0, 5.0)
        residual: Tensor = self.layers(torch.cat([scaled, depth], dim=1)) * self.scale
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

    def __init__(self, stem: Stem, network: Residual, tree_weight: float, network_weight: float) -> None:
        super().__init__()
        self.stem, self.network = stem, network
        self.tree_weight, self.network_weight = tree_weight, network_weight
        kept = torch.ones(TARGETS)
        kept[_CANDIDATE_AT["none"]] = 0.0
        self.register_buffer("kept", kept)

    def forward(self, features: Tensor, depth: Tensor, trees: Tensor, slower: Tensor) -> Tensor:
        """Logarithms of the measures, ``[batch, 3, candidates]``; what is stored plainly keeps its size."""
        logs = self.stem(features, depth) + self.tree_weight * trees
        if self.network_weight != 0:
            logs = logs + self.network_weight * self.network(features, depth)
        logs = (logs * self.kept).reshape(-1, len(MEASURES), _COUNT)
        return torch.cat(
            [
                torch.clamp(logs[:, 0:1], max=0.01),
                logs[:, 1:2] + slower.unsqueeze(1),
                logs[:, 2:3] + slower.unsqueeze(1),
            ],
            dim=1,
        )


@dataclass(frozen=True, slots=True)
class FlowPrior:
    """How a flow's residuals hang together: ``residual = loadings @ factors + own + noise``.

    Attributes:
        loadings: ``[depths, targets, factors]``; factors are standard normal.
        own: ``[depths, targets]``, variance of what a flow has on one target alone.
        noise: ``[depths, targets]``, variance from block to block within a flow.
    """

    loadings: NDArray[np.float64]
    own: NDArray[np.float64]
    noise: NDArray[np.float64]


class Decide(nn.Module):
    """Predictions, corrected by what the flow taught, to costs and a decision.

    The correction is the posterior mean under `FlowPrior` (best linear unbiased prediction): one candidate
    that was tried tells something of all others.

    Args:
        prior: fitted on residuals of flows that were not trained on.
        deviation: ``[depths, targets]``, standard deviation of the residuals, for the confidence.
    """

    loadings: Tensor
    own: Tensor
    noise: Tensor
    deviation: Tensor

    def __init__(self, prior: FlowPrior, deviation: NDArray[np.floating]) -> None:
        super().__init__()
        for name, values in (
            ("loadings", prior.loadings),
            ("own", prior.own),
            ("noise", prior.noise),
            ("deviation", deviation),
        ):
            self.register_buffer(name, torch.from_numpy(values.astype(np.float32)))

    def forward(
        self,
        predicted: Tensor,
        depth: Tensor,
        facts: Tensor,
        bandwidth_mbps: Tensor,
        workers: Tensor,
        cost_model: Tensor,
        cpu_price: Tensor,
        allowed: Tensor,
        seen_count: Tensor,
        seen_residual: Tensor,
    ) -> tuple[Tensor, Tensor, Tensor]:
        """Action, cost in seconds of every candidate, confidence."""
        corrected = predicted + self._correction(depth, seen_count, seen_residual)
        block_bytes = torch.clamp(facts[:, 0:1], min=1.0)
        ratio = torch.exp(torch.clamp(corrected[:, 0], -16.0, 0.01))
        network_s = ratio * block_bytes * 8e-6 / bandwidth_mbps.unsqueeze(1)
        seconds = torch.exp(torch.clamp(corrected[:, 1:], -16.0, 16.0)) * (
            block_bytes / _MIB / 1e3
        ).unsqueeze(1)
        compress_s, decompress_s = seconds[:, 0], seconds[:, 1]
        serial = network_s + cpu_price.unsqueeze(1) * compress_s
        slowest = torch.maximum(compress_s / workers[:, 0:1], decompress_s / workers[:, 1:2])
        doubt = self._doubt(depth, seen_count)
        pipelined = torch.maximum(network_s, slowest)
        kind = cost_model.unsqueeze(1)
        cost = torch.where(kind == 0, serial, torch.where(kind == 1, pipelined, network_s))
        cost = torch.where(allowed > 0, cost, torch.full_like(cost, NOT_ALLOWED_S))
        action = torch.argmin(cost, dim=1)
        return action, cost, self._confidence(cost, network_s, action, doubt)

    def _correction(self, depth: Tensor, count: Tensor, residual: Tensor) -> Tensor:
        size = self.loadings.shape[2]
        loadings = (depth @ self.loadings.reshape(DEPTHS, -1)).reshape(-1, TARGETS, size)
        own, noise = depth @ self.own, depth @ self.noise
        n, r = count.reshape(-1, TARGETS), torch.clamp(residual, -1.5, 1.5).reshape(-1, TARGETS)
        precision = n / (n * own + noise)
        weighted = loadings * precision.unsqueeze(2)
        gram, evidence = weighted.transpose(1, 2) @ loadings, (weighted * r.unsqueeze(2)).sum(dim=1)
        factors = _solve(gram, evidence, size)
        shared = (loadings @ factors.unsqueeze(2)).squeeze(2)
        return (shared + own * precision * (r - shared)).reshape(-1, len(MEASURES), _COUNT)

    def _doubt(self, depth: Tensor, seen_count: Tensor) -> Tensor:
        """Standard deviation of the log measures; what flows differ by shrinks with what was seen."""
        noise = (depth @ self.noise).reshape(-1, len(MEASURES), _COUNT)
        total = (depth @ self.deviation).reshape(-1, len(MEASURES), _COUNT) ** 2
        seen = seen_count[:, 1].sum(dim=1).reshape(-1, 1, 1)
        return torch.sqrt(noise + torch.clamp(total - noise, min=0.0) / (1 + seen))

    def _confidence(self, cost: Tensor, network_s: Tensor, action: Tensor, doubt: Tensor) -> Tensor:
        on_network = torch.clamp(network_s / cost, max=1.0)
        spread = on_network * doubt[:, 0] + (1 - on_network) * doubt[:, 1]
        best = torch.gather(cost, 1, action.unsqueeze(1))
        margin = torch.log(cost / best) + _WITHIN
        sigma = torch.sqrt(spread**2 + torch.gather(spread, 1, action.unsqueeze(1)) ** 2 + 1e-6)
        # The choice itself has margin log 1.05 against itself and no doubt of that.
        rival = torch.where(cost <= best, torch.full_like(cost, 9.0), margin / sigma)
        return (0.5 * (1 + torch.erf(rival / math.sqrt(2.0)))).amin(dim=1)


def _solve(matrix: Tensor, vector: Tensor, size: int) -> Tensor:
    """``(I + matrix) x = vector`` by Gauss-Jordan; positive definite, so without pivoting."""
    identity = torch.eye(size, dtype=matrix.dtype)
    system = torch.cat([matrix + identity, vector.unsqueeze(2)], dim=2)
    for step in range(size):
        row = system[:, step : step + 1] / system[:, step : step + 1, step : step + 1]
        pivot = identity[step].reshape(1, size, 1) > 0
        system = torch.where(pivot, row, system - system[:, :, step : step + 1] * row)
    return system[:, :, size]
