"""``dwcp receive``: take what `dwcp send` and `dwcp sync` bring."""

import signal
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from dwcp.cli.interrupts import interruptible
from dwcp.cli.options import JsonFlag
from dwcp.cli.output import note, print_json_line, say
from dwcp.cli.session import Session, session_of
from dwcp.cli.transfer_options import PeerOption, PlainFlag, TimeoutOption
from dwcp.words import counted

if TYPE_CHECKING:
    from dwcp.errors import DwcpError
    from dwcp.storage import Store
    from dwcp.transfer import ReceiveResult

__all__ = ["receive"]


def receive(
    context: typer.Context,
    folder: Annotated[
        Path, typer.Argument(help="Where transfers go; made when missing.", show_default=False)
    ],
    listen: Annotated[
        str, typer.Option("--listen", metavar="HOST:PORT", help="Where to listen; port 0 takes any free one.")
    ] = "127.0.0.1:9440",
    once: Annotated[
        bool, typer.Option("--once", help="End after the first transfer that is in place.")
    ] = False,
    durable: Annotated[
        bool,
        typer.Option("--durable/--no-durable", help="Have all on disk before saying that it is in place."),
    ] = True,
    keep_special: Annotated[
        bool, typer.Option("--keep-special", help="Take over set-user-id, set-group-id and sticky bits.")
    ] = False,
    store: Annotated[
        str | None,
        typer.Option(
            "--store", metavar="STORE", help="Blocks that this store has are not sent.", show_default=False
        ),
    ] = None,
    plain: PlainFlag = None,
    peer: PeerOption = None,
    timeout: TimeoutOption = 60.0,
    json: JsonFlag = False,
) -> None:
    """Listen, and take files and folders that senders bring into a folder, until interrupted.

    Each is verified block by block and put in place as a whole. What is under way when this is interrupted
    goes on when both sides run again. Senders need the same token (dwcp keys token prints it), or a
    certificate that is trusted here.

    For example: dwcp receive /srv/incoming --listen 0.0.0.0:9440
    """
    from dwcp.cli.memory import tune_allocator
    from dwcp.transfer import Environment, ReceiveOptions, ReceiverLimits, SecurityOptions, open_receiver

    tune_allocator()
    session = session_of(context)
    options = ReceiveOptions(
        once=once,
        durable=durable,
        keep_special=keep_special,
        security=SecurityOptions(plain=plain, peer=peer),
        limits=ReceiverLimits(timeout_s=timeout),
    )
    environment = Environment(blocks=None if store is None else _blocks(store))
    receiver = open_receiver(
        folder,
        listen,
        options,
        environment=environment,
        on_result=lambda result: _tell(session, result, json),
        on_failure=lambda peer, error: _complain(session, peer, error, json),
    )
    for remark in receiver.notes:
        note(session, remark)
    signal.signal(signal.SIGTERM, lambda _number, _frame: receiver.stop())
    if json:
        print_json_line({"event": "listening", "address": receiver.address, "folder": str(folder)})
    else:
        note(session, f"listening on {receiver.address} for {folder}")
    with interruptible(session):
        receiver.serve()
    session.leaves_at_once = True


def _blocks(store: str) -> "Store":
    from dwcp.cli.store.opening import open_store

    return open_store(store, None)


def _tell(session: Session, result: "ReceiveResult", json: bool) -> None:
    from msgspec.structs import asdict

    if json:
        print_json_line({"event": "received", **asdict(result)})
        return
    say(
        f"{result.name} from {result.peer} is in place: {counted(result.files_written, 'file')} written, "
        f"{result.files_kept:,} kept, {result.bytes_written / 1e6:,.1f} MB in {result.seconds:,.1f} s; "
        f"root {result.content[:16]}"
    )
    if result.special_dropped:
        what = counted(result.special_dropped, "file or folder", "files and folders")
        note(
            session,
            f"set-user-id, set-group-id or sticky bits of {what} were not taken over (--keep-special does)",
        )


def _complain(session: Session, peer: str, error: "DwcpError", json: bool) -> None:
    if json:
        print_json_line(
            {"event": "failed", "peer": peer, "error": type(error).__name__, "detail": str(error)}
        )
    else:
        note(session, f"{peer}: {error}")
