"""Raw windows to features. Only additions, products, divisions and comparisons, one by one.

IEEE 754 rounds each of those exactly, so torch and onnxruntime make the same bits, and no split of a tree is
taken otherwise in one of them. That is why sums are written out: a reduction may add in any order.
"""

import torch
from torch import Tensor, nn

from dwcp.tasks.reliability.contract import METRICS, STEPS
from dwcp.tasks.reliability.names import OFF_STEPS, WINDOWED, WINDOWS

__all__ = ["Features", "exact_sum"]

_AT = {name: place for place, name in enumerate(METRICS)}
_HIGH_ERROR, _HIGH_LATENCY, _HIGH_RESOURCE = 0.05, 3.0, 0.9
_LEAST_MS = 1e-3
_HUGE = 1e30
_LEAST_ROOT = 1e-12
_DEVIATIONS = 1.4826
_LEAST_SPREAD, _MOST_OFF = 1e-3, 1e4


class Features(nn.Module):
    """The one place where features are made, for training and serving alike."""

    def forward(self, window: Tensor, peers: Tensor) -> Tensor:
        """``[batch, STEPS, metrics]`` twice to ``[batch, features]``, in the order of `FEATURES`."""
        own, beside = _features(window, peers)
        known = (window >= 0).to(window.dtype)
        both = known * (peers >= 0).to(window.dtype)
        off = [*_off_usual(window, known), *_off_usual(window - peers, both)]
        return torch.cat([own, own - beside, *off], dim=1)


def exact_sum(series: Tensor, steps: int) -> Tensor:
    """The sum over axis 1, halves added to halves: one order that every runtime keeps, and few operations.

    Args:
        series: ``[batch, steps, ...]``.
        steps: as said; a number, since a trace cannot branch on a shape.
    """
    while steps > 1:
        half = steps // 2
        folded = series[:, :half] + series[:, half : 2 * half]
        series = torch.cat([folded, series[:, 2 * half :]], dim=1) if steps % 2 else folded
        steps -= half
    return series[:, 0]


def _features(window: Tensor, peers: Tensor) -> tuple[Tensor, Tensor]:
    """The published features of both; statistics are made of both at once, which halves the graph."""
    width = len(WINDOWED)
    places = [_AT[name] for name in WINDOWED]
    series = torch.cat([side[:, :, place : place + 1] for side in (window, peers) for place in places], dim=2)
    statistics = torch.stack(
        [figure for steps in WINDOWS for figure in _statistics(series[:, -steps:], steps)]
    )
    own, beside = statistics[:, :, :width], statistics[:, :, width:]
    return _named(window, list(torch.unbind(own))), _named(peers, list(torch.unbind(beside)))


def _named(window: Tensor, statistics: list[Tensor]) -> Tensor:
    """In the order of `OWN`."""
    now, before = window[:, -1], window[:, -2]
    change = (now - before) * ((now >= 0) & (before >= 0)).to(now.dtype)
    mean_30 = statistics[-4]
    return torch.cat([now, *statistics, change, *_interactions(now), *_flags(now, mean_30)], dim=1)


def _statistics(series: Tensor, steps: int) -> list[Tensor]:
    """Mean, standard deviation, least and largest of what is known; of nothing -1, 0, -1, -1."""
    known = (series >= 0).to(series.dtype)
    mean, some = _known_mean(series, known, steps)
    off = (series - mean.unsqueeze(1)) * known
    variance, _ = _known_mean(off * off, known, steps)
    least = (series * known + _HUGE * (1.0 - known)).amin(dim=1)
    none = 1.0 - some
    return [
        mean * some - none,
        _root(variance),
        torch.where(some > 0, least, -some - 1.0),
        series.amax(dim=1),
    ]


def _root(values: Tensor) -> Tensor:
    """Square root: runtimes differ in its last bit, which a step of Newton's, rounded exactly, evens out."""
    root = torch.clamp(torch.sqrt(values), min=_LEAST_ROOT)
    return (root + values / root) * 0.5


def _off_usual(series: Tensor, known: Tensor) -> list[Tensor]:
    """Means of the latest steps less the median of those before, over their spread; 0 of nothing known."""
    latest = max(OFF_STEPS)
    earlier = known[:, :-latest]
    mean, some = _known_mean(series[:, :-latest], earlier, STEPS - latest)
    filled = series[:, :-latest] * earlier + mean.unsqueeze(1) * (1.0 - earlier)
    median = _median(filled)
    spread = _DEVIATIONS * _median((filled - median.unsqueeze(1)).abs())
    spread = spread + _LEAST_SPREAD * median.abs() + _LEAST_SPREAD * _LEAST_SPREAD
    found = []
    for steps in OFF_STEPS:
        now, there = _known_mean(series[:, -steps:], known[:, -steps:], steps)
        found.append(torch.clamp((now - median) / spread, -_MOST_OFF, _MOST_OFF) * some * there)
    return found


def _known_mean(series: Tensor, known: Tensor, steps: int) -> tuple[Tensor, Tensor]:
    """Mean over the steps that are known, and whether there are any."""
    count = exact_sum(known, steps)
    total = exact_sum(series * known, steps)
    return total / torch.clamp(count, min=1.0), (count > 0).to(series.dtype)


def _median(series: Tensor) -> Tensor:
    """The middle one of an odd number of steps."""
    middle = (STEPS - max(OFF_STEPS)) // 2 + 1
    return torch.topk(series, middle, dim=1, largest=False)[0][:, -1]


def _interactions(now: Tensor) -> list[Tensor]:
    error, timeout, p50, p99 = (_one(now, name) for name in METRICS[:4])
    resources = [torch.clamp(_one(now, name), min=0.0) for name in ("cpu_usage", "memory_usage", "disk_io")]
    return [
        error * timeout,
        p99 - p50,
        p99 / torch.clamp(p50, min=_LEAST_MS),
        (resources[0] + resources[1] + resources[2]) / 3.0,
    ]


def _flags(now: Tensor, mean_30: Tensor) -> list[Tensor]:
    usual_p99 = mean_30[:, WINDOWED.index("p99_latency_ms")].unsqueeze(1)
    resources = [_one(now, name) > _HIGH_RESOURCE for name in ("cpu_usage", "memory_usage", "disk_io")]
    flags = (
        (_one(now, "error_rate") > _HIGH_ERROR) | (_one(now, "timeout_rate") > _HIGH_ERROR),
        _one(now, "p99_latency_ms") > _HIGH_LATENCY * usual_p99,
        resources[0] | resources[1] | resources[2],
    )
    return [flag.to(now.dtype) for flag in flags]


def _one(now: Tensor, name: str) -> Tensor:
    place = _AT[name]
    return now[:, place : place + 1]
