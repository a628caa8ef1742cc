"""``dwcp store forget``: keep snapshots no longer."""

from collections import defaultdict
from typing import TYPE_CHECKING, Annotated

import typer

from dwcp.cli.options import JsonFlag
from dwcp.cli.output import note, print_json, say
from dwcp.cli.session import session_of
from dwcp.cli.store.arguments import PassphraseOption, StoreArgument
from dwcp.cli.store.names import id_text, tree_name
from dwcp.cli.store.opening import open_store
from dwcp.errors import InputError
from dwcp.words import counted

if TYPE_CHECKING:
    from dwcp.storage import Store

__all__ = ["forget"]


def forget(
    context: typer.Context,
    store: StoreArgument,
    snapshots: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="[SNAPSHOT]...", help="How a snapshot's id begins, or latest.", show_default=False
        ),
    ] = None,
    keep_last: Annotated[
        int | None,
        typer.Option(
            "--keep-last",
            min=1,
            metavar="N",
            help="Forget all but the newest N of each name, host and set of tags.",
        ),
    ] = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Change nothing; say what would be forgotten.")
    ] = False,
    passphrase_file: PassphraseOption = None,
    json: JsonFlag = False,
) -> None:
    """Keep snapshots no longer. What they alone led to goes with the next dwcp store gc.

    For example: dwcp store forget backups --keep-last 7
    """
    if bool(snapshots) == (keep_last is not None):
        raise InputError("it is not said what to forget; name snapshots, or give --keep-last")
    with open_store(store, passphrase_file, is_writer=not dry_run) as opened:
        if keep_last is None:
            chosen = list(dict.fromkeys(opened.find(text) for text in snapshots or ()))
        else:
            chosen = _all_but_newest(opened, keep_last)
        for snapshot_id in () if dry_run else chosen:
            opened.forget(snapshot_id)
        kept = opened.stats().snapshot_count - (len(chosen) if dry_run else 0)
    if json:
        print_json({"forgotten": [each.hex() for each in chosen], "kept": kept, "dry_run": dry_run})
        return
    for snapshot_id in chosen:
        say(f"{id_text(snapshot_id)} {'would be' if dry_run else 'is'} forgotten")
    say(f"{counted(kept, 'snapshot')} {'would stay' if dry_run else 'kept'}")
    if chosen and not dry_run:
        note(session_of(context), "dwcp store gc frees their room")


def _all_but_newest(store: "Store", count: int) -> list[bytes]:
    """Of each name, host and set of tags; never one whose name cannot be read."""
    groups: dict[tuple[bytes, str, tuple[str, ...]], list[bytes]] = defaultdict(list)
    for snapshot in store.snapshots():
        name = tree_name(store, snapshot.id)
        if name is not None:
            groups[name, snapshot.node.host, snapshot.node.tags].append(snapshot.id)
    return [snapshot_id for group in groups.values() for snapshot_id in group[:-count]]
