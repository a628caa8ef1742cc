"""Recorded traces as forecasts to make."""

from collections.abc import Iterator
from pathlib import Path

from dwcp.evaluation.policy import Case
from dwcp.tasks.bandwidth.contract import Action, Context, Outcome, Regime, Step
from dwcp.tasks.bandwidth.examples import cases_of
from dwcp.telemetry.sources.throughput import ThroughputTrace, read_throughput

__all__ = ["recorded_cases", "recorded_steps", "stretch_cases"]

BandwidthCase = Case[Context, Action, Outcome]


def recorded_cases(path: Path) -> list[BandwidthCase]:
    """Every moment of every trace of a file; a trace is a group.

    Raises:
        InputError: the file cannot be read, or is no such table.
    """
    return [case for stretch in read_throughput(path) for case in stretch_cases(stretch)]


def stretch_cases(
    stretch: ThroughputTrace,
    begin: int = 0,
    end: int | None = None,
    *,
    regime: Regime = "unknown",
    link_type: str = "",
) -> Iterator[BandwidthCase]:
    """Forecasts to make on some rows of a stretch, those with nothing measured before them left out."""
    made = cases_of(
        recorded_steps(stretch, begin, len(stretch) if end is None else end),
        stretch.name,
        step_s=stretch.step_s,
        start_epoch_s=max(0.0, stretch.start_s) + begin * stretch.step_s,
        regime=regime,
        link_type=link_type,
    )
    return (case for case in made if any(step.throughput_mbps is not None for step in case.context.steps))


def recorded_steps(stretch: ThroughputTrace, begin: int, end: int) -> tuple[Step, ...]:
    """Rows of a stretch as steps; what was not recorded is None."""
    columns = (
        stretch.throughput_mbps,
        stretch.rtt_ms,
        stretch.jitter_ms,
        stretch.packet_loss,
        stretch.retransmits,
        stretch.congestion_window,
    )
    rows = zip(*(column[begin:end].tolist() for column in columns), strict=True)
    return tuple(_step(row) for row in rows)


def _step(row: tuple[float, ...]) -> Step:
    mbps, rtt_ms, jitter_ms, packet_loss, retransmits, window = (None if f != f else f for f in row)
    return Step(
        mbps,
        rtt_ms,
        jitter_ms,
        packet_loss,
        None if retransmits is None else int(retransmits),
        None if window is None else int(window),
    )
