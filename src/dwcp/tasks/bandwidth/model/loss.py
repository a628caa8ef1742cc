"""What training makes small: the surprise at what came, and the errors of the other heads."""

import torch
from torch import Tensor
from torch.nn import functional

from dwcp.tasks.bandwidth.model.density import bin_of
from dwcp.tasks.bandwidth.model.features import Anchors
from dwcp.tasks.bandwidth.model.network import LOSS_OFFSET, TARGETS

__all__ = ["forecast_loss"]

_OTHER_WEIGHT, _LOSS_WEIGHT = 0.2, 5.0
_FLOOR_MS = 0.01


def forecast_loss(answer: tuple[Tensor, Tensor], anchors: Anchors, targets: Tensor) -> Tensor:
    """Mean over rows; what was not measured counts nothing.

    Of throughputs it is the negative logarithm of the chance that was given to the bin that came.
    """
    logits, other = answer
    wanted = targets[:, :TARGETS]
    surprise = -torch.gather(
        functional.log_softmax(logits, dim=2), 2, bin_of(wanted, anchors).unsqueeze(2)
    ).squeeze(2)
    return _mean(torch.where(wanted.isnan(), torch.nan, surprise)) + _OTHER_WEIGHT * _other_losses(
        other, anchors, targets
    )


def _other_losses(other: Tensor, anchors: Anchors, targets: Tensor) -> Tensor:
    rtt, jitter, lost = targets[:, 2], targets[:, 3], targets[:, 4]
    moved_rtt = torch.log((rtt + _FLOOR_MS) / (anchors.rtt_ms[:, 0] + _FLOOR_MS))
    moved_jitter = torch.log((jitter + _FLOOR_MS) / (anchors.jitter_ms[:, 0] + _FLOOR_MS))
    known_rtt = torch.where(anchors.rtt_ms[:, 0] > 0, moved_rtt, torch.nan)
    known_jitter = torch.where(anchors.jitter_ms[:, 0] > 0, moved_jitter, torch.nan)
    share = torch.nan_to_num(lost, nan=0.0).clamp(0.0, 1.0)
    loss = functional.binary_cross_entropy_with_logits(other[:, 2] - LOSS_OFFSET, share, reduction="none")
    return (
        _mean((known_rtt - other[:, 0]).abs())
        + _mean((known_jitter - other[:, 1]).abs())
        + _LOSS_WEIGHT * _mean(torch.where(lost.isnan(), torch.nan, loss))
    )


def _mean(losses: Tensor) -> Tensor:
    known = ~losses.isnan()
    return torch.where(known, losses, torch.zeros_like(losses)).sum() / known.sum().clamp(min=1)
