"""Options that several commands share, spelt and explained once."""

from pathlib import Path
from typing import Annotated

import typer

__all__ = ["BlockBytesOption", "JsonFlag", "RegistryOption", "SeedOption", "TaskArgument", "WhyOption"]

BlockBytesOption = Annotated[
    int, typer.Option(min=4096, max=1 << 26, metavar="N", help="Plain bytes of a block.")
]
JsonFlag = Annotated[bool, typer.Option("--json", help="Print JSON and nothing else.")]
RegistryOption = Annotated[
    Path | None,
    typer.Option(
        "--registry", metavar="DIR", help="Folder of the models; registry in the home unless given."
    ),
]
SeedOption = Annotated[int, typer.Option(min=0, metavar="N", help="Seed of every random choice.")]
TaskArgument = Annotated[str, typer.Argument(help="What is learned, e.g. compression.", show_default=False)]
WhyOption = Annotated[
    str, typer.Option("--why", metavar="TEXT", help="The reason, for the journal.", show_default=False)
]
