"""``dwcp store get``: files back from a store."""

import os
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from dwcp.cli.interrupts import interruptible
from dwcp.cli.options import JsonFlag
from dwcp.cli.output import print_json, say
from dwcp.cli.session import session_of
from dwcp.cli.store.arguments import PassphraseOption, SnapshotArgument, StoreArgument
from dwcp.cli.store.names import as_text, id_text, shown, snapshot_and_path, tree_name
from dwcp.cli.store.opening import open_store
from dwcp.cli.store.pace import pace
from dwcp.cli.store.skipping import end_with_skipped, skipped_fields
from dwcp.errors import BlockNotFoundError, CorruptBlockError, InputError
from dwcp.words import bytes_text, counted

if TYPE_CHECKING:
    from dwcp.storage import Store

__all__ = ["get"]

_INTERRUPTED = "interrupted; what was restored stays, and no file is half; --overwrite goes over it again"


def get(
    context: typer.Context,
    store: StoreArgument,
    snapshot: SnapshotArgument,
    places: Annotated[
        list[str],
        typer.Argument(
            metavar="[PATH] DESTINATION",
            help="What to get, as ls shows it, everything unless given; then the folder to write it into.",
            show_default=False,
        ),
    ],
    overwrite: Annotated[
        bool,
        typer.Option("--overwrite", help="Replace files that are there; what else is there stays."),
    ] = False,
    skip_damaged: Annotated[
        bool,
        typer.Option("--skip-damaged", help="Leave out what cannot be read, and end with 3, not at once."),
    ] = False,
    passphrase_file: PassphraseOption = None,
    json: JsonFlag = False,
) -> None:
    """Write a snapshot, or what lies at a path in it, by its name into a folder.

    Names, content, permissions and times of change are as they were. Owners are not kept.

    For example: dwcp store get backups latest photos/2024 restored
    """
    from dwcp.cli.memory import tune_allocator

    tune_allocator()
    session = session_of(context)
    if len(places) > 2:
        raise InputError(f"{len(places)} places were given; name a path in the snapshot and a destination")
    wanted, path = snapshot_and_path(":".join((snapshot, *places[:-1])))
    destination = Path(places[-1])
    skipped: dict[bytes, str] = {}
    skip = skipped.__setitem__ if skip_damaged else _refuse
    with interruptible(session, _INTERRUPTED), open_store(store, passphrase_file) as opened:
        snapshot_id = opened.find(wanted)
        total_bytes = _total_bytes(opened, snapshot_id, path)
        target = _target(opened, snapshot_id, path, destination, overwrite)
        title = shown(os.fsencode(target.name))
        with pace(session, title, lambda: total_bytes) as done:
            opened.restore(snapshot_id, destination, path, skip, done)
    if json:
        print_json(
            {
                "snapshot": snapshot_id.hex(),
                "target": as_text(os.fsencode(target)),
                "files": done.files,
                "bytes": done.size_bytes,
                "seconds": done.elapsed_s,
                "skipped": skipped_fields(skipped),
            }
        )
    else:
        say(f"{shown(os.fsencode(target))} is as in {id_text(snapshot_id)}: {counted(done.files, 'file')}")
        say(f"{bytes_text(done.size_bytes)} in {done.elapsed_s:,.1f} s")
    end_with_skipped(session, skipped)


def _refuse(path: bytes, why: str) -> None:
    raise CorruptBlockError(
        f"{shown(path)} cannot be got back whole: {why}; --skip-damaged leaves out what cannot"
    )


def _total_bytes(store: "Store", snapshot_id: bytes, path: bytes) -> int:
    """Of all files that are to be written, as far as that can be read."""
    from dwcp.blocks import FileEntry

    total_bytes = 0
    with suppress(BlockNotFoundError, CorruptBlockError):
        for visit in store.walk(snapshot_id, path):
            if isinstance(visit.entry, FileEntry):
                total_bytes += visit.entry.link.size_bytes
    return total_bytes


def _target(store: "Store", snapshot_id: bytes, path: bytes, destination: Path, overwrite: bool) -> Path:
    """Where it will stand; refused where something stands, unless that may be replaced."""
    name = path.rpartition(b"/")[2] or tree_name(store, snapshot_id)
    if name is None:
        raise InputError(f"snapshot {id_text(snapshot_id)} cannot be listed, or has nothing in it; verify it")
    target = destination / os.fsdecode(name)
    if not overwrite and os.path.lexists(target):
        raise InputError(f"{target} exists; name another folder, or let --overwrite replace what is there")
    return target
