"""Raw windows to features. Only additions, products, divisions and comparisons, one by one.

IEEE 754 rounds each of those exactly, so torch and onnxruntime make the same bits, and no split of a tree is
taken otherwise in one of them. That is why sums are written out: a reduction may add in any order.
"""

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from dwcp.tasks.consensus.contract import MEASURES
from dwcp.tasks.consensus.names import CHANNELS, FLOORS

__all__ = ["Features", "Seen", "squashed"]

_AT = {name: place for place, name in enumerate(MEASURES)}
_SHARE_OF_CENTRE = 0.05
_MOST_OFF = 50.0
_BEND = 4.0
_EARLIER = 10
_LATEST, _LOCAL = 3, 20
_OLD_MS = 1000.0


@dataclass(frozen=True, slots=True)
class Seen:
    """What detectors look at.

    Attributes:
        table: features for the trees, ``[batch, len(FEATURES)]``; NaN where something is missing.
        off: deviations from the usual, ``[batch, STEPS, channels]``; 0 where missing.
        known: 1 where a channel was measured, same shape.
        latest: mean deviation of the latest three seconds, ``[batch, channels]``; 0 where missing.
    """

    table: Tensor
    off: Tensor
    known: Tensor
    latest: Tensor


class Features(nn.Module):
    """The one place where features are made, for training and serving alike."""

    floors: Tensor

    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("floors", torch.tensor(FLOORS, dtype=torch.float32))

    def forward(self, window: Tensor, usual: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        """``[batch, STEPS, measures]`` and ``[batch, 2, measures]`` to the parts of `Seen`, in its order."""
        values, known = _with_derived(window)
        centre, spread = _with_levels(usual, values, known)
        scale = spread + _SHARE_OF_CENTRE * centre + self.floors
        off = torch.clamp((values - centre.unsqueeze(1)) / scale.unsqueeze(1), -_MOST_OFF, _MOST_OFF) * known
        means = {steps: _mean(off[:, -steps:], known[:, -steps:]) for steps in (3, 5, 10)}
        before = _mean(off[:, -_EARLIER - 1 : -1], known[:, -_EARLIER - 1 : -1])
        there = known[:, -1]
        nothing = torch.full_like(there, float("nan"))
        views = [
            torch.where(there > 0, values[:, -1], nothing),
            torch.where(there > 0, off[:, -1], nothing),
            _or_nan(*means[3]),
            _or_nan(_furthest(off[:, -3:]), means[3][1]),
            _or_nan(*means[5]),
            _or_nan(*means[10]),
            _or_nan(off[:, -1] - before[0], there * before[1]),
            _or_nan(*self._beside(values, known)),
        ]
        return torch.cat(views, dim=1), off, known, means[3][0]

    def _beside(self, values: Tensor, known: Tensor) -> tuple[Tensor, Tensor]:
        """The latest three seconds against those before; whether both are known. ``[batch, channels]``."""
        before = slice(-_LATEST - _LOCAL, -_LATEST)
        earlier, told = values[:, before], known[:, before]
        centre, there = _mean(earlier, told)
        away, _ = _mean((earlier - centre.unsqueeze(1)).abs(), told)
        latest, now = _mean(values[:, -_LATEST:], known[:, -_LATEST:])
        scale = away + _SHARE_OF_CENTRE * centre + self.floors
        return torch.clamp((latest - centre) / scale, -_MOST_OFF, _MOST_OFF), there * now

    def seen(self, window: Tensor, usual: Tensor) -> Seen:
        """The same, by name."""
        return Seen(*self(window, usual))


def squashed(off: Tensor) -> Tensor:
    """Deviations between -1 and 1: what is far off is only so much further off than what is off."""
    return off / (_BEND + off.abs())


def _with_derived(window: Tensor) -> tuple[Tensor, Tensor]:
    """Values, 0 where missing, and what is known, ``[batch, STEPS, channels]`` each."""
    known = (window >= 0).to(window.dtype)
    quorum, active = _one(window, "quorum_size"), _one(window, "active_nodes")
    members, answering = _one(window, "members"), _one(window, "members_up")
    issued, ended = _one(window, "requests_issued"), _one(window, "requests_ok")
    derived = [
        (torch.clamp(2.0 * quorum - 1.0 - active, min=0.0), quorum, active),
        (torch.clamp(members - answering, min=0.0), members, answering),
        (torch.clamp(issued - ended, min=0.0) / torch.clamp(issued, min=1.0), issued, ended),
    ]
    told = [((one >= 0) & (other >= 0)).to(window.dtype) for _, one, other in derived]
    made = [value * there for (value, _, _), there in zip(derived, told, strict=True)]
    oldest, leader = _one(window, "oldest_ms"), _one(window, "leader_known")
    broken = [made[0] > 0, made[1] > 0, _one(window, "leaderless") > 0, leader == 0, oldest > _OLD_MS]
    made.append(_sum([rule.to(window.dtype) for rule in broken]))
    told.append(known.amax(dim=2, keepdim=True))
    return torch.cat([window * known, *made], dim=2), torch.cat([known, *told], dim=2)


def _with_levels(usual: Tensor, values: Tensor, known: Tensor) -> tuple[Tensor, Tensor]:
    """Centre and spread, ``[batch, channels]``; of the window's earlier seconds where none is known."""
    derived = len(CHANNELS) - len(MEASURES)
    zeros = torch.zeros_like(usual[:, 0, :derived])
    centre = torch.cat([usual[:, 0], zeros], dim=1)
    spread = torch.cat([usual[:, 1], zeros], dim=1)
    own, _ = _mean(values[:, :-3], known[:, :-3])
    away, _ = _mean((values[:, :-3] - own.unsqueeze(1)).abs(), known[:, :-3])
    told = centre >= 0
    return torch.where(told, centre, own), torch.where(told, torch.clamp(spread, min=0.0), away)


def _mean(series: Tensor, known: Tensor) -> tuple[Tensor, Tensor]:
    """Mean over the seconds that are known, 0 of none, and whether there are any."""
    count = _sum(list(torch.unbind(known, dim=1)))
    total = _sum(list(torch.unbind(series * known, dim=1)))
    return total / torch.clamp(count, min=1.0), (count > 0).to(series.dtype)


def _sum(parts: list[Tensor]) -> Tensor:
    """By pairs, in one order that every runtime keeps."""
    while len(parts) > 1:
        pairs = [one + other for one, other in zip(parts[::2], parts[1::2], strict=False)]
        parts = pairs + parts[len(pairs) * 2 :]
    return parts[0]


def _furthest(off: Tensor) -> Tensor:
    """The value furthest from zero along the seconds, with its sign."""
    high, low = off.amax(dim=1), off.amin(dim=1)
    return torch.where(high >= -low, high, low)


def _or_nan(values: Tensor, there: Tensor) -> Tensor:
    return torch.where(there > 0, values, torch.full_like(values, float("nan")))


def _one(window: Tensor, name: str) -> Tensor:
    place = _AT[name]
    return window[:, :, place : place + 1]
