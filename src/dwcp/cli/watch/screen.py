"""Showing a link second by second: a picture on a terminal, lines elsewhere, JSON for machines."""

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict
from typing import TYPE_CHECKING, NamedTuple

from dwcp.cli.forecasting import (
    forecast_json,
    forecast_rows,
    mbps_words,
    notes_line,
    range_words,
    retraining_words,
)
from dwcp.cli.output import print_json_line, say
from dwcp.cli.watch.meter import Measured
from dwcp.words import counted

if TYPE_CHECKING:
    from rich.console import RenderableType

    from dwcp.tasks.bandwidth.accuracy import Accuracy
    from dwcp.tasks.bandwidth.forecast import Forecast

__all__ = ["Seen", "Show", "screen"]


class Seen(NamedTuple):
    """One second: its end (since 1970 UTC), what was measured, what is forecast, how right that was."""

    epoch_s: float
    measured: Measured
    forecast: "Forecast"
    accuracy: "Accuracy"


Show = Callable[[Seen], None]


@contextmanager
def screen(name: str, *, json: bool) -> Iterator[Show]:
    """What shows each second.

    Args:
        name: of the link.
        json: whether a machine reads it.
    """
    if json:
        yield _print_json
    elif sys.stdout.isatty():
        from rich.live import Live

        with Live(f"{name}: measuring", transient=True, auto_refresh=False) as live:
            yield lambda seen: live.update(_picture(name, seen), refresh=True)
    else:
        yield lambda seen: _print_line(seen)


def _print_json(seen: Seen) -> None:
    measured = seen.measured
    print_json_line(
        {
            "epoch_s": seen.epoch_s,
            "source": measured.source,
            "connections": measured.connections,
            "sent_mbps": measured.sent_mbps,
            "received_mbps": measured.received_mbps,
            "measured": asdict(measured.step),
            "forecast": forecast_json(seen.forecast),
            "accuracy": asdict(seen.accuracy),
        }
    )


def _print_line(seen: Seen) -> None:
    told = f"next {range_words(seen.forecast.action.next_step)}, {seen.forecast.mode}"
    words = [*_measured_words(seen.measured), told]
    if seen.forecast.notes:
        words.append(f"unsure: {notes_line(seen.forecast.notes)}")
    if seen.forecast.retraining is not None:
        words.append(retraining_words(seen.forecast.retraining))
    say(", ".join(words))
    sys.stdout.flush()


def _measured_words(measured: Measured) -> list[str]:
    step = measured.step
    words = [counted(measured.connections, "connection") if measured.connections else measured.source]
    if step.throughput_mbps is not None:
        idle = " (little to send)" if step.app_limited else ""
        words.append(f"{mbps_words(step.throughput_mbps)} Mbit/s{idle}")
    if step.rtt_ms is not None:
        words.append(f"round trip {step.rtt_ms:.3g} ms")
    if step.jitter_ms is not None:
        words.append(f"jitter {step.jitter_ms:.3g} ms")
    return words


def _picture(name: str, seen: Seen) -> "RenderableType":
    from rich.box import SIMPLE_HEAD
    from rich.console import Group
    from rich.table import Table
    from rich.text import Text

    table = Table(box=SIMPLE_HEAD, pad_edge=False)
    for place, title in enumerate(("Mbit/s", "5 %", "median", "95 %")):
        table.add_column(title, justify="right" if place else "left", min_width=8)
    for row in forecast_rows(seen.forecast):
        table.add_row(*row)
    lines = [f"{name}: {', '.join(_measured_words(seen.measured))}"]
    below = [
        f"mode {seen.forecast.mode}, within 20 % with a probability of {seen.forecast.action.confidence:.0%}"
    ]
    if seen.accuracy.samples:
        below.append(accuracy_words(seen.accuracy))
    if seen.forecast.notes:
        below.append(f"wider than usual: {notes_line(seen.forecast.notes)}")
    if seen.forecast.retraining is not None:
        below.append(retraining_words(seen.forecast.retraining))
    return Group(*map(Text, lines), table, *map(Text, below))


def accuracy_words(accuracy: "Accuracy") -> str:
    """How right forecasts were, of at least one."""
    return (
        f"{counted(accuracy.samples, 'forecast')} so far, {accuracy.within_20 or 0:.0%} within 20 %, "
        f"{accuracy.coverage or 0:.0%} inside their interval"
    )
