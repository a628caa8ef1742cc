"""Options that `send` and `sync` share, and what they mean to the transfer."""

from pathlib import Path
from typing import Annotated

import typer

from dwcp.errors import InputError

__all__ = [
    "AddressArgument",
    "CodecOption",
    "CpuOption",
    "ModelFlag",
    "PathArgument",
    "PeerOption",
    "PlainFlag",
    "ReferenceOption",
    "RetriesOption",
    "StreamsOption",
    "TimeoutOption",
    "streams_of",
]

PathArgument = Annotated[Path, typer.Argument(help="File or folder to send.", show_default=False)]
AddressArgument = Annotated[
    str,
    typer.Argument(
        metavar="HOST:PORT",
        help="Where dwcp receive listens; several addresses of one receiver with commas between.",
        show_default=False,
    ),
]
StreamsOption = Annotated[
    str, typer.Option("--streams", metavar="auto|N", help="TCP streams, 1 to 64; auto opens as many as help.")
]
CpuOption = Annotated[
    int | None,
    typer.Option("--cpu", min=1, max=256, metavar="N", help="Cores that may compress; all unless given."),
]
CodecOption = Annotated[
    str,
    typer.Option("--codec", metavar="auto|NAME", help="A fixed codec: none, lz4, zstd-3, ...; auto chooses."),
]
ModelFlag = Annotated[bool, typer.Option("--model/--no-model", help="Ask the champion, if there is one.")]
ReferenceOption = Annotated[
    list[Path] | None,
    typer.Option(
        "--reference",
        metavar="PATH",
        help="An older version kept here, which the receiver has; may be repeated.",
    ),
]
PeerOption = Annotated[
    str | None,
    typer.Option(
        "--peer", metavar="NAME", help="The trusted certificate the other side must show (dwcp keys)."
    ),
]
PlainFlag = Annotated[
    bool | None,
    typer.Option(
        "--plain/--tls",
        help="No TLS: anybody on the way can read what is sent; or TLS even on loopback. "
        "Unless given: TLS everywhere but on loopback.",
        show_default=False,
    ),
]
RetriesOption = Annotated[
    int, typer.Option("--retries", min=0, max=1000, metavar="N", help="Times to connect again after a cut.")
]
TimeoutOption = Annotated[
    float,
    typer.Option("--timeout", min=1, max=86400, metavar="S", help="Seconds of silence before giving up."),
]


def streams_of(text: str) -> int | None:
    """The number of streams; None for as many as help.

    Raises:
        InputError: neither ``auto`` nor 1 to 64.
    """
    if text == "auto":
        return None
    if text.isascii() and text.isdigit() and 1 <= int(text) <= 64:
        return int(text)
    raise InputError(f"--streams {text!r} is neither auto nor a number from 1 to 64")
