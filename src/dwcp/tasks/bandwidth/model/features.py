"""Raw windows to what the learners see: channels a step, and figures of the whole window.

Everything is relative to the latest measured throughput, in logarithms, with a floor of a hundredth of the
window's mean: a window of a slow link looks like one of a fast link that moves alike.
"""

import math
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from dwcp.features.transforms import OneHot, SafeLog
from dwcp.tasks.bandwidth.inputs import LINK_TYPES, MEASURES, REGIMES, TIERS, TRANSPORTS, WINDOW
from dwcp.tasks.bandwidth.series import MOST_MBPS

__all__ = ["CHANNELS", "FIGURES", "Anchors", "Features"]

_AT = {name: position for position, name in enumerate(MEASURES)}
_FLOOR_SHARE, _LEAST_FLOOR = 0.01, 1e-6
_MOST_LOG = 7.0
_MS_FLOOR = 0.01
_PACKET_BITS = 12_000.0
_MEANS = (3, 5, 10, 20, WINDOW)
_WEIGHTS = (0.5, 0.2)
_LAGS = 8
_DAY_S, _WEEK_S = 86_400, 604_800

CHANNELS = 12
"""Numbers a step."""
FIGURES = (
    _LAGS
    + 3 * len(_MEANS)
    + len(_WEIGHTS)
    + 12
    + len(REGIMES)
    + len(LINK_TYPES)
    + len(TIERS)
    + len(TRANSPORTS)
)
"""Numbers a window."""


@dataclass(frozen=True, slots=True)
class Anchors:
    """What forecasts are relative to, each ``[batch, 1]``.

    Attributes:
        latest_mbps: latest measured throughput, the floor added.
        floor_mbps: what is added before logarithms.
        scale: how much the logarithm moves from step to step.
        rtt_ms: latest; 0 where there is none.
        jitter_ms: latest; 0 where there is none.
    """

    latest_mbps: Tensor
    floor_mbps: Tensor
    scale: Tensor
    rtt_ms: Tensor
    jitter_ms: Tensor


class Features(nn.Module):
    """The one place where features are made, for training and serving alike."""

    places: Tensor
    earlier: Tensor
    averages: Tensor

    def __init__(self) -> None:
        super().__init__()
        places = torch.arange(WINDOW, dtype=torch.float32)
        self.register_buffer("places", places)
        self.register_buffer("earlier", (places[None, :] <= places[:, None]).to(torch.float32))
        age = WINDOW - 1 - places
        moving = [(age < length).to(torch.float32) for length in _MEANS]
        decaying = [(1 - weight) ** age for weight in _WEIGHTS]
        self.register_buffer("averages", torch.stack([*moving, *decaying]))
        self._hots = nn.ModuleList(OneHot(len(v)) for v in (REGIMES, LINK_TYPES, TIERS, TRANSPORTS))
        self._log_ms = SafeLog(_MS_FLOOR)

    def forward(
        self, window: Tensor, step_s: Tensor, epoch_s: Tensor, *positions: Tensor
    ) -> tuple[Tensor, Tensor, Anchors]:
        """Channels ``[batch, CHANNELS, WINDOW]``, figures ``[batch, FIGURES]``, and anchors."""
        mbps, known = self._filled(window, "throughput_mbps")
        mbps = torch.clamp(mbps, max=MOST_MBPS)
        count = known.sum(dim=1, keepdim=True)
        floor = _LEAST_FLOOR + _FLOOR_SHARE * (mbps * known).sum(dim=1, keepdim=True) / count.clamp(min=1.0)
        latest = mbps[:, -1:] + floor
        level = torch.clamp(torch.log((mbps + floor) / latest), -_MOST_LOG, _MOST_LOG) * known
        moved = torch.cat([torch.zeros_like(level[:, :1]), level[:, 1:] - level[:, :-1]], dim=1) * known
        rtt, rtt_known = self._filled(window, "rtt_ms")
        jitter, _ = self._filled(window, "jitter_ms")
        anchors = Anchors(latest, floor, _spread(moved, known), rtt[:, -1:], jitter[:, -1:])
        channels = self._channels(window, (level, moved, known), (rtt, rtt_known, jitter), mbps)
        static = self._static(anchors, count, rtt_known, step_s, epoch_s)
        hots = [hot(position) for hot, position in zip(self._hots, positions, strict=True)]
        figures = torch.cat(
            [*self._summary(mbps + floor, latest, level, moved, known), *static, *hots], dim=1
        )
        return channels, figures, anchors

    def _filled(self, window: Tensor, name: str) -> tuple[Tensor, Tensor]:
        """A measure with gaps filled from the step before, 0 before the first; and where it was measured."""
        values = window[:, :, _AT[name]]
        known = (values >= 0).to(values.dtype)
        marked = known * (self.places + 1.0)
        source = (marked.unsqueeze(1) * self.earlier).amax(dim=2)
        index = torch.clamp(source - 1.0, min=0.0).to(torch.int64)
        return torch.gather(values, 1, index) * (source > 0).to(values.dtype), known

    def _channels(
        self,
        window: Tensor,
        throughput: tuple[Tensor, Tensor, Tensor],
        delay: tuple[Tensor, Tensor, Tensor],
        mbps: Tensor,
    ) -> Tensor:
        level, moved, known = throughput
        rtt, rtt_known, jitter = delay
        log_rtt = self._log_ms(rtt)
        window_segments = torch.clamp(window[:, :, _AT["congestion_window"]], min=0.0)
        in_flight = mbps * rtt * (1000.0 / _PACKET_BITS)
        load = torch.log((in_flight + 1.0) / (window_segments + 1.0)) * (window_segments > 0)
        loss = torch.clamp(window[:, :, _AT["packet_loss"]], min=0.0, max=1.0)
        retransmits = torch.clamp(window[:, :, _AT["retransmits"]], min=0.0)
        return torch.stack(
            [
                level,
                known,
                moved,
                window[:, :, _AT["app_limited"]].clamp(0.0, 1.0),
                torch.clamp(log_rtt - log_rtt[:, -1:], -4.0, 4.0) * rtt_known,
                rtt_known,
                torch.clamp(self._log_ms(jitter) - log_rtt, -4.0, 4.0) * rtt_known * 0.25,
                torch.sqrt(loss),
                (window[:, :, _AT["packet_loss"]] >= 0).to(known.dtype),
                torch.log(retransmits + 1.0) * 0.2,
                torch.clamp(load, -4.0, 4.0) * rtt_known,
                torch.log(window_segments + 1.0) * 0.1,
            ],
            dim=1,
        )

    def _summary(
        self, raised: Tensor, latest: Tensor, level: Tensor, moved: Tensor, known: Tensor
    ) -> list[Tensor]:
        """Lags; means of logarithms, of throughputs and of moves, over the latest steps; decaying means."""
        weights = known @ self.averages.T
        weights = weights.clamp(min=1e-6)
        means = (level * known) @ self.averages.T / weights
        moving = self.averages[: len(_MEANS)]
        linear = ((raised * known) @ moving.T) / weights[:, : len(_MEANS)] / latest
        spread = (moved.abs() @ moving.T) / weights[:, : len(_MEANS)]
        logs = torch.clamp(torch.log(linear.clamp(min=1e-4)), -_MOST_LOG, _MOST_LOG)
        return [level[:, -_LAGS:], means, logs, spread]

    def _static(
        self, anchors: Anchors, count: Tensor, rtt_known: Tensor, step_s: Tensor, epoch_s: Tensor
    ) -> list[Tensor]:
        day = (epoch_s % _DAY_S).to(torch.float32).unsqueeze(1) * (2 * math.pi / _DAY_S)
        week = (epoch_s % _WEEK_S).to(torch.float32).unsqueeze(1) * (2 * math.pi / _WEEK_S)
        return [
            torch.log(torch.clamp(step_s, min=1e-3)).unsqueeze(1) * 0.2,
            torch.log(anchors.latest_mbps) * 0.1,
            self._log_ms(anchors.rtt_ms) * 0.2 * rtt_known[:, -1:],
            self._log_ms(anchors.jitter_ms) * 0.2,
            anchors.scale,
            count / WINDOW,
            torch.log(count + 1.0) * 0.25,
            rtt_known[:, -1:],
            torch.sin(day),
            torch.cos(day),
            torch.sin(week),
            torch.cos(week),
        ]


def _spread(moved: Tensor, known: Tensor) -> Tensor:
    """Mean absolute move of the logarithm from step to step."""
    return moved.abs().sum(dim=1, keepdim=True) / known.sum(dim=1, keepdim=True).clamp(min=1.0)
