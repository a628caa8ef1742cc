"""From predictions to a decision: what the flow taught, costs, confidence; a torch module."""

import math
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from dwcp.tasks.compression.contract import CANDIDATES
from dwcp.tasks.compression.inputs import MEASURES
from dwcp.tasks.compression.model.features import DEPTHS

__all__ = ["NOT_ALLOWED_S", "TARGETS", "Decide", "FlowPrior"]

TARGETS = len(MEASURES) * len(CANDIDATES)
"""Predicted numbers, measure by measure."""
NOT_ALLOWED_S = 1e30

_COUNT = len(CANDIDATES)
_MIB = 1024.0 * 1024.0
_WITHIN = math.log(1.05)
_LARGEST_LOGS = (0.01, 16.0, 16.0)
_S_OF_A_BYTE = (8e-6, 1e-3 / _MIB, 1e-3 / _MIB)
"""What a measure is multiplied by: the link's bandwidth and the workers still divide."""
_NOT_ALLOWED = torch.tensor(NOT_ALLOWED_S)
_SURE = torch.tensor(9.0)
"""Deviations that the choice is ahead of itself."""


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

    of_depth: Tensor
    largest: Tensor
    s_of_a_byte: Tensor
    identity: Tensor

    def __init__(self, prior: FlowPrior, deviation: NDArray[np.floating]) -> None:
        super().__init__()
        self._factors = prior.loadings.shape[2]
        # What flows differ by, which shrinks with what was seen of one.
        between = np.maximum(np.square(deviation) - prior.noise, 0.0)
        columns = (prior.own, prior.noise, between, prior.loadings, np.zeros_like(prior.own))
        of_depth = np.concatenate([column.reshape(DEPTHS, TARGETS, -1) for column in columns], axis=2)
        for name, values in (
            ("of_depth", of_depth.reshape(DEPTHS, -1)),
            ("largest", np.array(_LARGEST_LOGS)[:, None]),
            ("s_of_a_byte", np.array(_S_OF_A_BYTE)[:, None]),
            ("identity", np.eye(self._factors, self._factors + 1)),
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
        of_depth = (depth @ self.of_depth).reshape(-1, TARGETS, self._factors + 4)
        own, noise, between, loadings = torch.split(of_depth, [1, 1, 1, self._factors + 1], dim=2)
        corrected = predicted + self._correction(own, noise, loadings, seen_count, seen_residual)
        measures = torch.exp(torch.minimum(torch.clamp(corrected, min=-16.0), self.largest))
        block_bytes = torch.clamp(facts[:, 0:1], min=1.0).unsqueeze(1)
        seconds = measures * block_bytes * self.s_of_a_byte
        shared_by = torch.cat([bandwidth_mbps.unsqueeze(1), workers], dim=1)
        stages = seconds / shared_by.unsqueeze(2)
        network_s = stages[:, 0]
        serial = network_s + cpu_price.unsqueeze(1) * seconds[:, 1]
        pipelined = stages.amax(dim=1)
        kind = cost_model.unsqueeze(1)
        cost = torch.where(kind == 0, serial, torch.where(kind == 1, pipelined, network_s))
        cost = torch.where(allowed > 0, cost, _NOT_ALLOWED)
        action = torch.argmin(cost, dim=1)
        seen = seen_count[:, 1].sum(dim=1).reshape(-1, 1, 1)
        doubt = torch.sqrt(noise + between / (1 + seen)).reshape(-1, len(MEASURES), _COUNT)
        return action, cost, self._confidence(cost, network_s, action, doubt)

    def _correction(
        self, own: Tensor, noise: Tensor, loadings: Tensor, count: Tensor, residual: Tensor
    ) -> Tensor:
        """What the flow taught of every target; ``loadings`` with a column of zeros behind."""
        n = count.reshape(-1, TARGETS, 1)
        r = torch.clamp(residual, -1.5, 1.5).reshape(-1, TARGETS, 1)
        precision = n / (n * own + noise)
        loaded = loadings[:, :, : self._factors]
        system = (loaded * precision).transpose(1, 2) @ torch.cat([loaded, r], dim=2) + self.identity
        minus_shared = _eliminate(torch.cat([system, loadings], dim=1), self._factors)
        corrections = own * precision * (r + minus_shared) - minus_shared
        return corrections.reshape(-1, len(MEASURES), _COUNT)

    def _confidence(self, cost: Tensor, network_s: Tensor, action: Tensor, doubt: Tensor) -> Tensor:
        on_network = torch.clamp(network_s / cost, max=1.0)
        spread = on_network * doubt[:, 0] + (1 - on_network) * doubt[:, 1]
        best = cost.amin(dim=1, keepdim=True)
        margin = torch.log(cost / best) + _WITHIN
        chosen = torch.gather(spread, 1, action.unsqueeze(1))
        sigma = torch.sqrt(spread * spread + chosen * chosen + 1e-6)
        # The choice itself has margin log 1.05 against itself and no doubt of that.
        rival = torch.where(cost <= best, _SURE, margin / sigma).amin(dim=1)
        return 0.5 * (1 + torch.erf(rival / math.sqrt(2.0)))


def _eliminate(system: Tensor, count: int) -> Tensor:
    """``[[A, b], [L, 0]]`` to ``-L A^-1 b``: the Schur complement, unknown by unknown.

    ``A``, with ``count`` unknowns, is positive definite, so no pivot needs to be looked for. ``L`` has a row
    a target.
    """
    for left in range(count, 0, -1):
        top, below = torch.split(system, [1, left - 1 + TARGETS], dim=1)
        pivot, row = torch.split(top, [1, left], dim=2)
        column, rest = torch.split(below, [1, left], dim=2)
        system = rest - column * (row / pivot)
    return system
