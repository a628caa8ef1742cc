"""``dwcp send`` and ``dwcp sync``: move files to where ``dwcp receive`` listens."""

import os
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from dwcp.cli.options import JsonFlag, RegistryOption
from dwcp.cli.session import session_of
from dwcp.cli.transfer_options import (
    AddressArgument,
    CodecOption,
    CpuOption,
    ModelFlag,
    PathArgument,
    PeerOption,
    PlainFlag,
    ReferenceOption,
    RetriesOption,
    StreamsOption,
    TimeoutOption,
    streams_of,
)

if TYPE_CHECKING:
    from dwcp.transfer import SendOptions

__all__ = ["send", "sync"]


def send(
    context: typer.Context,
    path: PathArgument,
    address: AddressArgument,
    streams: StreamsOption = "auto",
    cpu: CpuOption = None,
    codec: CodecOption = "auto",
    model: ModelFlag = True,
    reference: ReferenceOption = None,
    plain: PlainFlag = None,
    peer: PeerOption = None,
    retries: RetriesOption = 5,
    timeout: TimeoutOption = 60.0,
    registry: RegistryOption = None,
    json: JsonFlag = False,
) -> None:
    """Copy a file or folder to where dwcp receive listens; it must be new there.

    Interrupted or cut off, the same command goes on where it was. Both sides need the same token, or each
    other's certificate: see dwcp keys.

    For example: dwcp send photos backup.example.org:9440
    """
    from dwcp.cli.sending import carry_out
    from dwcp.transfer import send as call

    session = session_of(context)
    options = _options(streams, cpu, codec, reference, plain, peer, retries, timeout)
    carry_out(session, call, path, address, options, registry=registry, model=model, json=json)


def sync(
    context: typer.Context,
    path: PathArgument,
    address: AddressArgument,
    delete: Annotated[
        bool, typer.Option("--delete", help="Remove at the receiver what the source does not have.")
    ] = False,
    checksum: Annotated[
        bool, typer.Option("--checksum", help="Compare content even where size and time agree.")
    ] = False,
    streams: StreamsOption = "auto",
    cpu: CpuOption = None,
    codec: CodecOption = "auto",
    model: ModelFlag = True,
    reference: ReferenceOption = None,
    plain: PlainFlag = None,
    peer: PeerOption = None,
    retries: RetriesOption = 5,
    timeout: TimeoutOption = 60.0,
    registry: RegistryOption = None,
    json: JsonFlag = False,
) -> None:
    """Bring the copy of a file or folder at the receiver up to date, sending only what changed.

    Nothing at the receiver is touched until all of it has been verified there.

    For example: dwcp sync photos backup.example.org:9440 --delete
    """
    from msgspec.structs import replace

    from dwcp.cli.sending import carry_out
    from dwcp.transfer import sync as call

    session = session_of(context)
    options = _options(streams, cpu, codec, reference, plain, peer, retries, timeout)
    options = replace(options, delete=delete, checksum=checksum)
    carry_out(session, call, path, address, options, registry=registry, model=model, json=json)


def _options(
    streams: str,
    cpu: int | None,
    codec: str,
    references: list[Path] | None,
    plain: bool | None,
    peer: str | None,
    retries: int,
    timeout_s: float,
) -> "SendOptions":
    from dwcp.transfer import SecurityOptions, SendOptions

    return SendOptions(
        streams=streams_of(streams),
        cpu_workers=cpu or os.cpu_count() or 1,
        codec=None if codec == "auto" else codec,
        references=tuple(references or ()),
        security=SecurityOptions(plain=plain, peer=peer),
        retries=retries,
        timeout_s=timeout_s,
    )
