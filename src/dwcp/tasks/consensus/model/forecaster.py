"""A small forecaster: the newest second of every channel from the seconds before it."""

import torch
from torch import Tensor, nn

from dwcp.tasks.consensus.model.features import squashed
from dwcp.tasks.consensus.names import CHANNELS

__all__ = ["Forecaster"]

_HIDDEN = 48
_BEFORE = (1, 3, 10)
_WORST = 5


class Forecaster(nn.Module):
    """Means of the seconds before to the newest one, scored by how far off that is."""

    usual: Tensor

    def __init__(self) -> None:
        super().__init__()
        width = len(CHANNELS)
        self.hidden = nn.Linear(len(_BEFORE) * width, _HIDDEN)
        self.out = nn.Linear(_HIDDEN, width)
        nn.init.zeros_(self.out.weight)
        nn.init.zeros_(self.out.bias)
        self.register_buffer("usual", torch.ones(width))

    def forward(self, off: Tensor, known: Tensor) -> Tensor:
        """One score a row, ``[batch, 1]``: the logarithm of the mean of the worst errors."""
        relative = self.errors(off, known) / self.usual
        worst = torch.topk(relative, _WORST, dim=1)[0].mean(dim=1, keepdim=True)
        return torch.log(1.0 + worst)

    def errors(self, off: Tensor, known: Tensor) -> Tensor:
        """Squared error of each channel in the newest second, ``[batch, channels]``; 0 where missing."""
        seen = squashed(off)
        before = torch.cat([seen[:, -1 - steps : -1].mean(dim=1) for steps in _BEFORE], dim=1)
        told: Tensor = self.out(torch.tanh(self.hidden(before)))
        error = (told + seen[:, -4:-1].mean(dim=1) - seen[:, -1]) * known[:, -1]
        return error * error
