"""``dwcp store ls``: what a store holds."""

import stat
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Annotated

import typer

from dwcp.cli.failures import Status
from dwcp.cli.options import JsonFlag
from dwcp.cli.output import note, print_json, print_table, say
from dwcp.cli.session import Session, session_of
from dwcp.cli.store.arguments import PassphraseOption, StoreArgument
from dwcp.cli.store.names import as_text, id_text, path_fields, shown, snapshot_and_path, time_text, tree_name
from dwcp.cli.store.opening import open_store

if TYPE_CHECKING:
    from dwcp.blocks import Entry
    from dwcp.errors import DwcpError
    from dwcp.storage import Snapshot, Store, Visit

__all__ = ["ls"]


def ls(
    context: typer.Context,
    store: StoreArgument,
    what: Annotated[
        str | None,
        typer.Argument(
            metavar="[SNAPSHOT[:PATH]]",
            help="How a snapshot's id begins, or latest, and a path in it; all snapshots unless given.",
            show_default=False,
        ),
    ] = None,
    recursive: Annotated[
        bool, typer.Option("--recursive", "-r", help="Go into folders; paths then begin at the top.")
    ] = False,
    passphrase_file: PassphraseOption = None,
    json: JsonFlag = False,
) -> None:
    """List the snapshots, the oldest first; or what lies in one: mode, size in bytes, time of change, name.

    For example: dwcp store ls backups latest:photos/2024
    """
    with open_store(store, passphrase_file) as opened:
        if what is None:
            _list_snapshots(session_of(context), opened, json)
            return
        snapshot, path = snapshot_and_path(what)
        snapshot_id = opened.find(snapshot)
        found = _entries(opened, snapshot_id, path, recursive)
        if json:
            entries = [_as_json(path, entry) for path, entry in found]
            print_json({"snapshot": snapshot_id.hex(), "entries": entries})
            return
        for name, entry in found:
            say(_line(name, entry))


def _list_snapshots(session: Session, store: "Store", json: bool) -> None:
    damaged: dict[bytes, DwcpError] = {}
    snapshots = store.snapshots(damaged.__setitem__)
    if json:
        print_json(
            {
                "snapshots": [_snapshot_as_json(store, snapshot) for snapshot in snapshots],
                "damaged": [snapshot_id.hex() for snapshot_id in damaged],
            }
        )
    elif snapshots:
        rows = [_snapshot_row(store, snapshot) for snapshot in snapshots]
        print_table(("snapshot", "time", "host", "tags", "name"), rows, frozenset())
    else:
        note(session, "there is no snapshot yet; dwcp store put makes one")
    for error in damaged.values():
        note(session, str(error))
    if damaged:
        raise typer.Exit(Status.SHORT)


def _snapshot_row(store: "Store", snapshot: "Snapshot") -> tuple[str, ...]:
    node, name = snapshot.node, tree_name(store, snapshot.id)
    texts = (node.host, ", ".join(node.tags))
    return (
        id_text(snapshot.id),
        time_text(node.time_ns),
        *(shown(text.encode()) for text in texts),
        "?" if name is None else shown(name),
    )


def _snapshot_as_json(store: "Store", snapshot: "Snapshot") -> dict[str, object]:
    node, name = snapshot.node, tree_name(store, snapshot.id)
    return {
        "snapshot": snapshot.id.hex(),
        "root": node.root.hex(),
        "time_ns": node.time_ns,
        "host": node.host,
        "tags": node.tags,
        "name": None if name is None else as_text(name),
    }


def _entries(
    store: "Store", snapshot_id: bytes, path: bytes, recursive: bool
) -> "Iterator[tuple[bytes, Entry]]":
    """What is listed, with the name that it is listed by."""
    if recursive:
        visits: Iterable[Visit] = store.walk(snapshot_id, path)
        return ((visit.path, visit.entry) for visit in visits if not visit.is_leaving)
    return ((entry.name, entry) for entry in store.entries(snapshot_id, path))


def _line(name: bytes, entry: "Entry") -> str:
    from dwcp.blocks import FileEntry, SubdirectoryEntry

    if isinstance(entry, FileEntry):
        mode, size, end = stat.S_IFREG | entry.mode, f"{entry.link.size_bytes:,}", ""
    elif isinstance(entry, SubdirectoryEntry):
        mode, size, end = stat.S_IFDIR | entry.mode, "-", "/"
    else:
        mode, size, end = stat.S_IFLNK | 0o777, "-", f" -> {shown(entry.target)}"
    return f"{stat.filemode(mode)} {size:>17} {time_text(entry.mtime_ns)} {shown(name)}{end}"


def _as_json(path: bytes, entry: "Entry") -> dict[str, object]:
    from dwcp.blocks import FileEntry, SubdirectoryEntry

    fields: dict[str, object] = {**path_fields(path), "mtime_ns": entry.mtime_ns}
    if isinstance(entry, FileEntry):
        return {**fields, "type": "file", "mode": entry.mode, "size_bytes": entry.link.size_bytes}
    if isinstance(entry, SubdirectoryEntry):
        return {**fields, "type": "folder", "mode": entry.mode}
    return {**fields, "type": "link", "target": as_text(entry.target)}
