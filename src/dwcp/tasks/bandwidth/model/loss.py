"""What training makes small: pinball losses of log residuals, and the errors of the other heads."""

import torch
from torch import Tensor
from torch.nn import functional

from dwcp.tasks.bandwidth.model.features import Anchors
from dwcp.tasks.bandwidth.model.network import LOSS_OFFSET

__all__ = ["forecast_loss"]

_LEVELS = (0.05, 0.5, 0.95)
_LEAST_SCALE = 0.05
_OTHER_WEIGHT, _LOSS_WEIGHT = 0.2, 5.0
_WITHIN = (0.8, 1.2)
_FLOOR_MS = 0.01


def forecast_loss(answer: tuple[Tensor, Tensor, Tensor], anchors: Anchors, targets: Tensor) -> Tensor:
    """Mean over rows; what was not measured counts nothing.

    A row's pinball losses are divided by how much its window moves, so that quiet links count as well.
    """
    mids, widths, other = answer
    truth = torch.log((targets[:, :2].clamp(min=0.0) + anchors.floor_mbps) / anchors.latest_mbps)
    quantiles = (mids - widths[:, :, 0], mids, mids + widths[:, :, 1])
    scale = anchors.scale + _LEAST_SCALE
    total = torch.zeros(())
    for level, told in zip(_LEVELS, quantiles, strict=True):
        miss = (truth - told) / scale
        total = total + _mean(torch.maximum(level * miss, (level - 1) * miss))
    return total + _OTHER_WEIGHT * _other_losses(mids, other, anchors, targets)


def _other_losses(mids: Tensor, other: Tensor, anchors: Anchors, targets: Tensor) -> Tensor:
    told = anchors.latest_mbps[:, 0] * torch.exp(mids[:, 0].detach()) - anchors.floor_mbps[:, 0]
    came, rtt, jitter, lost = targets[:, 0], targets[:, 2], targets[:, 3], targets[:, 4]
    within = ((told >= _WITHIN[0] * came) & (told <= _WITHIN[1] * came)).to(other.dtype)
    sure = functional.binary_cross_entropy_with_logits(other[:, 0], within, reduction="none")
    moved_rtt = torch.log((rtt + _FLOOR_MS) / (anchors.rtt_ms[:, 0] + _FLOOR_MS))
    moved_jitter = torch.log((jitter + _FLOOR_MS) / (anchors.jitter_ms[:, 0] + _FLOOR_MS))
    known_rtt = torch.where(anchors.rtt_ms[:, 0] > 0, moved_rtt, torch.nan)
    known_jitter = torch.where(anchors.jitter_ms[:, 0] > 0, moved_jitter, torch.nan)
    share = torch.nan_to_num(lost, nan=0.0).clamp(0.0, 1.0)
    loss = functional.binary_cross_entropy_with_logits(other[:, 3] - LOSS_OFFSET, share, reduction="none")
    return (
        _mean(torch.where(came.isnan(), torch.nan, sure))
        + _mean((known_rtt - other[:, 1]).abs())
        + _mean((known_jitter - other[:, 2]).abs())
        + _LOSS_WEIGHT * _mean(torch.where(lost.isnan(), torch.nan, loss))
    )


def _mean(losses: Tensor) -> Tensor:
    known = ~losses.isnan()
    return torch.where(known, losses, torch.zeros_like(losses)).sum() / known.sum().clamp(min=1)
