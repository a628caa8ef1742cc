"""Arguments that several commands of ``dwcp store`` share, spelt and explained once."""

from pathlib import Path
from typing import Annotated

import typer

__all__ = ["PassphraseOption", "SnapshotArgument", "StoreArgument"]

StoreArgument = Annotated[
    str, typer.Argument(help="Folder of the store, or s3://BUCKET/PREFIX.", show_default=False)
]
SnapshotArgument = Annotated[
    str,
    typer.Argument(
        metavar="SNAPSHOT", help="How a snapshot's id begins, or latest for the newest.", show_default=False
    ),
]
PassphraseOption = Annotated[
    Path | None,
    typer.Option(
        "--passphrase-file",
        metavar="FILE",
        help="Holds the passphrase of an encrypted store; else DWCP_STORE_PASSPHRASE, or it is asked for.",
        show_default=False,
    ),
]
