"""Options that the watchers of alarms share, spelt and explained once."""

from typing import Annotated

import typer

__all__ = ["CountOption", "ExitOnAlarmFlag", "WebhookOption"]

CountOption = Annotated[
    int | None, typer.Option(min=1, metavar="N", help="End after N steps; at Ctrl-C unless given.")
]
ExitOnAlarmFlag = Annotated[bool, typer.Option("--exit-on-alarm", help="End at the first alarm, with 3.")]
WebhookOption = Annotated[
    str | None,
    typer.Option(metavar="URL", help="Where each event goes, as a POST of JSON.", show_default=False),
]
