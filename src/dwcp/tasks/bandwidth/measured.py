"""Measurements as they come, and as forecasts may rely on them."""

import math
from dataclasses import replace

from dwcp.tasks.bandwidth.contract import Step
from dwcp.tasks.bandwidth.series import usable

__all__ = ["as_step", "is_whole"]


def as_step(measured: Step | float) -> Step:
    """A measurement without what cannot be: no number, or below 0, is not measured; a loss is at most 1.

    Args:
        measured: a step, or its throughput in Mbit/s.
    """
    if not isinstance(measured, Step):
        measured = Step(measured)
    loss = _sound(measured.packet_loss)
    return replace(
        measured,
        throughput_mbps=usable(measured),
        rtt_ms=_sound(measured.rtt_ms),
        jitter_ms=_sound(measured.jitter_ms),
        packet_loss=None if loss is None else min(1.0, loss),
        retransmits=_count(measured.retransmits),
        congestion_window=_count(measured.congestion_window),
    )


def is_whole(measured: Step | float) -> bool:
    """Whether nothing of a measurement had to be left out."""
    return as_step(measured) == (measured if isinstance(measured, Step) else Step(measured))


def _sound(value: float | None) -> float | None:
    return None if value is None or not math.isfinite(value) or value < 0 else float(value)


def _count(value: float | None) -> int | None:
    return None if _sound(value) is None else int(value)  # type: ignore[arg-type]
