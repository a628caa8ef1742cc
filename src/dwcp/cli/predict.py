"""``dwcp predict``: what is to come, from a recorded history."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from dwcp.cli.forecasting import (
    ModeOption,
    forecast_json,
    forecast_rows,
    new_predictor,
    notes_line,
    retraining_words,
)
from dwcp.cli.options import JsonFlag, RegistryOption
from dwcp.cli.output import note, print_json, print_table, require_writable, say
from dwcp.cli.progress import progress
from dwcp.cli.session import Session, session_of
from dwcp.words import counted

if TYPE_CHECKING:
    from dwcp.cli.history import History
    from dwcp.tasks.bandwidth.forecast import Forecast
    from dwcp.tasks.bandwidth.service import ForecastService

__all__ = ["predict"]

_MOST_STEPS = 3600
"""Steps that are gone through before the forecast: what is learned of a link does not need more."""
_STEPS_A_WORD = 50

predict = typer.Typer(
    name="predict", no_args_is_help=True, help="Say what is to come, from a recorded history."
)


@predict.command()
def bandwidth(
    context: typer.Context,
    history: Annotated[
        Path, typer.Option(metavar="FILE", help="CSV or Parquet, one row a step.", show_default=False)
    ],
    mode: ModeOption = "auto",
    step_s: Annotated[
        float | None,
        typer.Option(
            min=0.001, metavar="SECONDS", help="Length of a step, where the file has no times; else 1 s."
        ),
    ] = None,
    samples: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE", help="Where to write each forecast of the history with what came, as CSV."
        ),
    ] = None,
    registry: RegistryOption = None,
    json: JsonFlag = False,
) -> None:
    """Forecast what a link will carry: the next step and the mean of the next five, with 90 % intervals.

    The history has a column throughput_mbps, and as far as they were measured rtt_ms, jitter_ms,
    packet_loss, retransmits, congestion_window, app_limited and a time. It is gone through step by step
    first, so that it is known how right such forecasts were on this link.

    For example: dwcp predict bandwidth --history wan.parquet
    """
    from dwcp.cli.history import read_history
    from dwcp.tasks.bandwidth.service import ForecastService

    session = session_of(context)
    if samples is not None:
        require_writable(samples)
    read = read_history(history, step_s)
    predictor, by = new_predictor(session, registry, mode, read.step_s)
    service = ForecastService(predictor, str(history))
    forecast = _replayed(session, read, service)
    if samples is not None:
        service.export(samples)
        note(session, f"{counted(len(service.samples), 'sample')}: {samples}")
    if json:
        print_json(_as_json(history, read, service, forecast, by))
    else:
        _tell(history, read, service, forecast, by)


def _replayed(session: Session, history: "History", service: "ForecastService") -> "Forecast":
    """Go through the history, and forecast what comes after it."""
    steps = history.steps[-_MOST_STEPS:]
    with progress(session, "going through the history") as show:
        for done, (end_s, step) in enumerate(steps, 1):
            service.observe(step, end_s)
            forecast = service.forecast(end_s)
            if done % _STEPS_A_WORD == 0:
                show(done / len(steps), counted(done, "step"))
    return forecast


def _as_json(
    file: Path, history: "History", service: "ForecastService", forecast: "Forecast", by: str
) -> dict[str, object]:
    from dataclasses import asdict

    return {
        "history": file,
        "step_s": history.step_s,
        "by": by,
        "forecast": forecast_json(forecast),
        "accuracy": asdict(service.accuracy()),
    }


def _tell(file: Path, history: "History", service: "ForecastService", forecast: "Forecast", by: str) -> None:
    action, accuracy = forecast.action, service.accuracy()
    steps = counted(len(history.steps), "step")
    say(f"{file}: {steps} of {history.step_s:g} s, mode {forecast.mode}, by {by}")
    print_table(("Mbit/s", "5 %", "median", "95 %"), forecast_rows(forecast), frozenset({1, 2, 3}))
    say(f"within 20 % with a probability of {action.confidence:.0%}")
    if any(step.rtt_ms is not None for _, step in history.steps):
        others = f"jitter {action.jitter_ms:.3g} ms, loss {action.packet_loss:.2g}"
        say(f"round trip {action.rtt_ms:.3g} ms, {others}")
    if forecast.notes:
        say(f"wider than usual: {notes_line(forecast.notes)}")
    if forecast.retraining is not None:
        say(retraining_words(forecast.retraining))
    if accuracy.samples:
        line = (
            f"on this history: {counted(accuracy.samples, 'forecast')}, {accuracy.within_20:.0%} within 20 %"
        )
        line += f", {accuracy.coverage:.0%} inside their interval"
        if accuracy.skill is not None:
            more = "less" if accuracy.skill >= 0 else "more"
            line += f", {abs(accuracy.skill):.0%} {more} error than the last value"
        say(line)
