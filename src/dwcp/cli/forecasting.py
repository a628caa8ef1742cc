"""What `dwcp predict` and `dwcp watch` share: a predictor with the model there is, and how forecasts read."""

from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from dwcp.errors import DwcpError, InputError

if TYPE_CHECKING:
    from dwcp.cli.session import Session
    from dwcp.tasks.bandwidth.contract import Quantiles
    from dwcp.tasks.bandwidth.drift import Drift
    from dwcp.tasks.bandwidth.forecast import Forecast
    from dwcp.tasks.bandwidth.policy import BlendPolicy
    from dwcp.tasks.bandwidth.predictor import BandwidthPredictor

__all__ = [
    "ModeOption",
    "forecast_json",
    "forecast_rows",
    "mbps_words",
    "new_predictor",
    "notes_line",
    "range_words",
    "retraining_words",
]

ModeOption = Annotated[
    str,
    typer.Option(
        metavar="MODE", help="auto, datacenter, internet or hybrid; auto tells it by what is measured."
    ),
]

_LEAST_MBPS = 0.001
_NOTES = {
    "no_data": "nothing was measured yet",
    "stale": "the latest steps were not measured",
    "stalled": "the link has stopped, or delivers nothing yet",
    "jumped": "it carries many times what it did, or a small part of it",
    "limited": "there was too little to send",
    "bad_sample": "the latest measurement could not be true",
    "clock_went_back": "time went back",
    "drift": "the link does not behave as it did",
}


def new_predictor(
    session: "Session", registry: Path | None, mode: str, step_s: float
) -> "tuple[BandwidthPredictor, str]":
    """A predictor with the champion, and which one that is; without one, by rules, and why.

    Raises:
        InputError: no such mode.
    """
    from dwcp.tasks.bandwidth.forecast import MODES
    from dwcp.tasks.bandwidth.policy import BlendPolicy
    from dwcp.tasks.bandwidth.predictor import BandwidthPredictor

    known = next((name for name in MODES if name == mode), None)
    if known is None:
        raise InputError(f"there is no mode {mode!r}; there are {', '.join(MODES)}")
    try:
        policy, by = _with_champion(session, registry)
    except DwcpError as error:
        policy, by = BlendPolicy(), f"rules alone: {error}"
    return BandwidthPredictor(known, policy, step_s), by


def _with_champion(session: "Session", registry: Path | None) -> "tuple[BlendPolicy, str]":
    from dwcp.registry.artifact import check_fingerprint
    from dwcp.serving.runtime import OnnxGraph
    from dwcp.tasks.bandwidth.inputs import SPEC
    from dwcp.tasks.bandwidth.policy import BlendPolicy

    artifact = session.registry(registry).load(SPEC.task, "champion")
    check_fingerprint(artifact.manifest, SPEC)
    version = artifact.ref.version
    return BlendPolicy(OnnxGraph(artifact.model), f"blend-{version}"), f"{SPEC.task} {version}, and rules"


def forecast_rows(forecast: "Forecast") -> list[tuple[str, ...]]:
    """Of a table: what it is of, 5 %, median, 95 %."""
    action = forecast.action
    return [
        (what, *map(mbps_words, (one.low, one.mid, one.high)))
        for what, one in (("next step", action.next_step), ("mean of the next 5", action.horizon))
    ]


def range_words(told: "Quantiles") -> str:
    """In a few words."""
    return f"{mbps_words(told.mid)} Mbit/s ({mbps_words(told.low)} to {mbps_words(told.high)})"


def mbps_words(mbps: float) -> str:
    """A throughput; less than 1 kbit/s is nothing."""
    return f"{mbps if mbps >= _LEAST_MBPS else 0:,.4g}"


def notes_line(notes: Sequence[str]) -> str:
    """Why a forecast is wide, in words; empty without a reason."""
    return "; ".join(_NOTES[note] for note in notes)


def retraining_words(drift: "Drift") -> str:
    """Why a path's forecasts want another model."""
    what = "error" if drift.sign == "log_error" else "share of misses"
    return f"retraining is wanted: the {what} has risen from {drift.before:.2g} to {drift.after:.2g}"


def forecast_json(forecast: "Forecast") -> dict[str, object]:
    """As JSON values."""
    return {
        **asdict(forecast.action),
        "mode": forecast.mode,
        "at_s": forecast.at_s,
        "steps": forecast.steps,
        "notes": list(forecast.notes),
        "retraining": None if forecast.retraining is None else asdict(forecast.retraining),
    }
