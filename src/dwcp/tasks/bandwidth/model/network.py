"""Networks over a window: a causal dilated TCN, and the published LSTMs; heads for every figure forecast.

The TCN follows Bai, Kolter and Koltun ("An Empirical Evaluation of Generic Convolutional and Recurrent
Networks for Sequence Modeling", 2018), small. What comes is forecast as a distribution around the last value;
see `dwcp.tasks.bandwidth.model.density`.
"""

from typing import Literal

import torch
from torch import Tensor, nn
from torch.nn import functional

from dwcp.tasks.bandwidth.model.density import BINS, Density
from dwcp.tasks.bandwidth.model.features import CHANNELS, FIGURES, Anchors, Features
from dwcp.tasks.bandwidth.series import MOST_MBPS

__all__ = ["LOSS_OFFSET", "NETWORKS", "TARGETS", "Forecast", "Network", "NetworkName"]

NetworkName = Literal["tcn", "lstm-128-64", "lstm-256-128", "lstm-attention"]

NETWORKS: tuple[NetworkName, ...] = ("tcn", "lstm-128-64", "lstm-256-128", "lstm-attention")
"""What can be trained; the first is the usual one."""

_WIDTH, _KERNEL = 32, 3
_DILATIONS = (1, 2, 4, 8, 16)
_HIDDEN = 128
_THINNED = 0.1
_MOST_LOG, _MOST_MS_LOG = 6.0, 2.0
_JITTER_FLOOR_MS = 0.01
_OTHER = 3
_MOST_LOGIT = 30.0

TARGETS = 2
"""Next step, and mean of the next few."""

LOSS_OFFSET = 5.0
"""Loss is rare: an untrained head says one packet in 150."""


class _Block(nn.Module):
    """Two causal convolutions beside a short cut."""

    def __init__(self, channels: int, dilation: int) -> None:
        super().__init__()
        self._beyond = (_KERNEL - 1) * dilation
        self.first = nn.Conv1d(channels, _WIDTH, _KERNEL, dilation=dilation, padding=self._beyond)
        self.across = nn.Conv1d(channels, _WIDTH, 1) if channels != _WIDTH else nn.Identity()

    def forward(self, values: Tensor) -> Tensor:
        causal = self.first(values)[:, :, : -self._beyond]
        found: Tensor = functional.relu(causal + self.across(values))
        return found


class _Tcn(nn.Module):
    """``[batch, CHANNELS, WINDOW]`` to ``[batch, width]``."""

    width = _WIDTH

    def __init__(self) -> None:
        super().__init__()
        inputs = (CHANNELS, *[_WIDTH] * (len(_DILATIONS) - 1))
        self.blocks = nn.Sequential(*(_Block(c, d) for c, d in zip(inputs, _DILATIONS, strict=True)))

    def forward(self, channels: Tensor) -> Tensor:
        found: Tensor = self.blocks(channels)[:, :, -1]
        return found


class _Lstm(nn.Module):
    """Two layers, as published; the last state, or all states weighted by attention."""

    def __init__(self, first: int, second: int, *, attention: bool = False) -> None:
        super().__init__()
        self.width = second
        self.first = nn.LSTM(CHANNELS, first, batch_first=True)
        self.second = nn.LSTM(first, second, batch_first=True)
        self.score = nn.Linear(second, 1) if attention else None

    def forward(self, channels: Tensor) -> Tensor:
        states: Tensor = self.second(self.first(channels.transpose(1, 2))[0])[0]
        if self.score is None:
            return states[:, -1]
        shares = torch.softmax(self.score(states), dim=1)
        return (states * shares).sum(dim=1)


def _encoder(name: NetworkName) -> _Tcn | _Lstm:
    match name:
        case "tcn":
            return _Tcn()
        case "lstm-128-64":
            return _Lstm(128, 64)
        case "lstm-256-128":
            return _Lstm(256, 128)
        case "lstm-attention":
            return _Lstm(128, 64, attention=True)


class Forecast(nn.Module):
    """Window to the chances of what comes: what is trained.

    Args:
        name: which network.
    """

    def __init__(self, name: NetworkName) -> None:
        super().__init__()
        self.features = Features()
        self.encoder = _encoder(name)
        self.hidden = nn.Linear(FIGURES + self.encoder.width, _HIDDEN)
        self.deeper = nn.Linear(_HIDDEN, _HIDDEN)
        self.thinned = nn.Dropout(_THINNED)
        self.heads = nn.Linear(_HIDDEN, TARGETS * BINS + _OTHER)
        nn.init.zeros_(self.heads.weight)
        nn.init.zeros_(self.heads.bias)

    def forward(self, *raw: Tensor) -> tuple[Tensor, Tensor, Anchors]:
        """Logits of the bins ``[batch, TARGETS, BINS]``, other heads ``[batch, 3]``, and anchors."""
        channels, figures, anchors = self.features(*raw)
        return *self.told(channels, figures), anchors

    def told(self, channels: Tensor, figures: Tensor) -> tuple[Tensor, Tensor]:
        """The same, from features that are made already."""
        both = torch.cat([figures, self.encoder(channels)], dim=1)
        hidden = functional.relu(self.hidden(both))
        hidden = hidden + functional.relu(self.deeper(self.thinned(hidden)))
        found: Tensor = self.heads(hidden)
        return found[:, : TARGETS * BINS].reshape(-1, TARGETS, BINS), found[:, TARGETS * BINS :]


class Network(nn.Module):
    """Raw arrays to the declared outputs: what is exported.

    Args:
        forecast: the trained part.
    """

    def __init__(self, forecast: Forecast) -> None:
        super().__init__()
        self.forecast = forecast
        self.density = Density()

    def forward(self, *raw: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor, Tensor]:
        """Throughputs ``[batch, 2, 3]``, P(within 20%), RTT, jitter and loss, each ``[batch]``."""
        logits, other, anchors = self.forecast(*raw)
        twice = Anchors(*(getattr(anchors, name).repeat_interleave(TARGETS, 0) for name in Anchors.__slots__))
        read, near = self.density(torch.softmax(logits, dim=2).reshape(-1, BINS), twice)
        logs = torch.clamp(read.reshape(-1, TARGETS, 3), -_MOST_LOG, _MOST_LOG)
        latest, floor = anchors.latest_mbps.unsqueeze(2), anchors.floor_mbps.unsqueeze(2)
        mbps = torch.clamp(latest * torch.exp(logs) - floor, 0.0, MOST_MBPS)
        moved = torch.exp(torch.clamp(other[:, :2], -_MOST_MS_LOG, _MOST_MS_LOG))
        rtt_ms = anchors.rtt_ms[:, 0] * moved[:, 0]
        jitter = torch.clamp(
            (anchors.jitter_ms[:, 0] + _JITTER_FLOOR_MS) * moved[:, 1] - _JITTER_FLOOR_MS, 0.0
        )
        within = torch.clamp(near.reshape(-1, TARGETS)[:, 0], 0.0, 1.0)
        return mbps, within, rtt_ms, jitter, _sigmoid(other[:, 2] - LOSS_OFFSET)


def _sigmoid(values: Tensor) -> Tensor:
    """Written out: runtimes round the operator itself to 1e-7, which is much of a small probability."""
    return 1.0 / (1.0 + torch.exp(torch.clamp(-values, max=_MOST_LOGIT)))
