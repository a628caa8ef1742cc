"""The published autoencoder: LSTMs of 128 and 64 with attention down to 32 numbers, and back.

It reconstructs the published features that move; those that are constant within a group only condition it. It
is scored on the latest seconds, feature by feature: the mean over the whole window goes on alarming for half
a minute after a recovery.
"""

import torch
from torch import Tensor, nn

from dwcp.tasks.consensus.contract import MEASURES, STEPS
from dwcp.tasks.consensus.model.features import squashed
from dwcp.tasks.consensus.names import CHANNELS, CONSTANT, MOVING

__all__ = ["Autoencoder", "Ensemble", "seen_by_autoencoder"]

_OUTER, _INNER, _LATENT = 128, 64, 32
_SCALE = 5.0
_SHARES = (0.2, 0.3, 0.5)
"""How much each of the latest seconds counts, the newest last."""
_MOVING_AT = [CHANNELS.index(name) for name in MOVING]
_CONSTANT_AT = [MEASURES.index(name) for name in CONSTANT]


class Autoencoder(nn.Module):
    """Reconstructs the features that move, ``[batch, STEPS, len(MOVING)]``, squashed.

    Args:
        shrink: divisor of the published widths, for tiny models.
    """

    def __init__(self, shrink: int = 1) -> None:
        super().__init__()
        outer, inner, latent = _OUTER // shrink, _INNER // shrink, _LATENT // shrink
        seen = len(MOVING) + len(CONSTANT)
        self.encode_outer = nn.LSTM(seen, outer, batch_first=True)
        self.encode_inner = nn.LSTM(outer, inner, batch_first=True)
        self.attention = nn.Linear(inner, 1)
        self.narrow = nn.Linear(inner, latent)
        self.decode_inner = nn.LSTM(latent + len(CONSTANT), inner, batch_first=True)
        self.decode_outer = nn.LSTM(inner, outer, batch_first=True)
        self.widen = nn.Linear(outer, len(MOVING))

    def forward(self, moving: Tensor, constant: Tensor) -> Tensor:
        """What moves, squashed, ``[batch, STEPS, len(MOVING)]``, and what does not, in the same shape."""
        states: Tensor = self.encode_inner(self.encode_outer(torch.cat([moving, constant], dim=2))[0])[0]
        shares = torch.softmax(self.attention(states), dim=1)
        latent = torch.tanh(self.narrow((states * shares).sum(dim=1)))
        repeated = latent.unsqueeze(1).expand(-1, STEPS, -1)
        told = self.decode_outer(self.decode_inner(torch.cat([repeated, constant], dim=2))[0])[0]
        found: Tensor = self.widen(told)
        return found


class Ensemble(nn.Module):
    """Autoencoders of several seeds, scored on the latest seconds.

    Args:
        members: the autoencoders.
    """

    usual: Tensor

    def __init__(self, members: list[Autoencoder]) -> None:
        super().__init__()
        self.members = nn.ModuleList(members)
        self.register_buffer("usual", torch.ones(len(MOVING)))

    def forward(self, window: Tensor, off: Tensor, known: Tensor) -> Tensor:
        """One score a row, ``[batch, 1]``: the logarithm of mean and worst error, in usual ones."""
        relative = self.errors(window, off, known) / self.usual
        return torch.log(
            1.0 + 0.5 * (relative.mean(dim=1, keepdim=True) + relative.amax(dim=1, keepdim=True))
        )

    def errors(self, window: Tensor, off: Tensor, known: Tensor) -> Tensor:
        """Squared error of each feature over the latest seconds, ``[batch, len(MOVING)]``."""
        moving, constant = seen_by_autoencoder(window, off)
        total = torch.zeros_like(moving)
        for member in self.members:
            total = total + (member(moving, constant) - moving)
        error = total / float(len(self.members))
        squares = error * error * torch.cat([known[:, :, p : p + 1] for p in _MOVING_AT], dim=2)
        latest = len(_SHARES)
        return _weighted([squares[:, place - latest] for place in range(latest)])


def seen_by_autoencoder(window: Tensor, off: Tensor) -> tuple[Tensor, Tensor]:
    """What moves, squashed, and what is constant, scaled."""
    moving = torch.cat([squashed(off[:, :, place : place + 1]) for place in _MOVING_AT], dim=2)
    constant = torch.cat([window[:, :, place : place + 1] for place in _CONSTANT_AT], dim=2)
    return moving, torch.clamp(constant, 0.0, 2.0 * _SCALE) / _SCALE


def _weighted(parts: list[Tensor]) -> Tensor:
    total = torch.zeros_like(parts[0])
    for share, part in zip(_SHARES, parts, strict=True):
        total = total + share * part
    return total
