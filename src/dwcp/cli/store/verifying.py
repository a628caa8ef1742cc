"""``dwcp store verify``: whether all is there, and what it was."""

from typing import TYPE_CHECKING, Annotated

import typer

from dwcp.cli.failures import Status
from dwcp.cli.interrupts import interruptible
from dwcp.cli.options import JsonFlag
from dwcp.cli.output import print_json, say
from dwcp.cli.session import session_of
from dwcp.cli.store.arguments import PassphraseOption, StoreArgument
from dwcp.cli.store.names import id_text, path_fields, shown
from dwcp.cli.store.opening import open_store
from dwcp.cli.store.pace import pace
from dwcp.words import counted

if TYPE_CHECKING:
    from dwcp.storage import Fault, TouchedPath, Verified

__all__ = ["verify"]


def verify(
    context: typer.Context,
    store: StoreArgument,
    data: Annotated[
        bool, typer.Option("--data/--no-data", help="Read and decode every block, or lists and nodes alone.")
    ] = True,
    passphrase_file: PassphraseOption = None,
    json: JsonFlag = False,
) -> None:
    """Read everything, and name each damaged block and each file that it touches; exit status 3 if any.

    Without --data, it is only seen whether everything is there, not whether it is what it was.

    For example: dwcp store verify backups
    """
    session = session_of(context)
    with interruptible(session), open_store(store, passphrase_file) as opened:
        total_bytes = opened.stats().pack_bytes
        with pace(session, "verify", lambda: total_bytes) as done:
            verified = opened.verify(data, done)
    if json:
        print_json(_verified_as_json(verified, done.elapsed_s))
    else:
        _tell_verified(verified, data)
    if not verified.is_clean:
        raise typer.Exit(Status.SHORT)


def _verified_as_json(verified: "Verified", elapsed_s: float) -> dict[str, object]:
    return {
        "clean": verified.is_clean,
        "packs": verified.pack_count,
        "blocks": verified.block_count,
        "faults": [
            {"kind": fault.kind.value, "subject": fault.subject, "words": fault.words}
            for fault in verified.faults
        ],
        "touched": [
            {"snapshot": touched.snapshot_id.hex(), **path_fields(touched.path)}
            for touched in verified.touched
        ],
        "seconds": elapsed_s,
    }


def _tell_verified(verified: "Verified", data: bool) -> None:
    for fault in verified.faults:
        say(_fault_text(fault))
    for touched in verified.touched:
        say(_touched_text(touched))
    looked = f"{counted(verified.block_count, 'block')} in {counted(verified.pack_count, 'pack')}"
    if verified.is_clean:
        say(f"all is well: {looked} " + ("were read" if data else "are there; their data was not read"))
        return
    say(
        f"{counted(len(verified.faults), 'fault')}, {counted(len(verified.touched), 'path')} touched; "
        f"{looked} " + ("were read" if data else "were looked at, their data not")
    )


def _fault_text(fault: "Fault") -> str:
    if fault.subject in fault.words:
        return f"damaged: {fault.words}"
    return f"damaged: {fault.kind.value} {fault.subject}: {fault.words}"


def _touched_text(touched: "TouchedPath") -> str:
    return f"touched: {id_text(touched.snapshot_id)}:{shown(touched.path)}".rstrip(":")
