"""``dwcp store stats``, ``gc``, ``rebuild-index`` and ``passphrase``: what a store needs now and then."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from dwcp.cli.interrupts import interruptible
from dwcp.cli.options import JsonFlag
from dwcp.cli.output import note, print_json, print_table, say
from dwcp.cli.session import session_of
from dwcp.cli.store.arguments import PassphraseOption, StoreArgument
from dwcp.cli.store.opening import open_store
from dwcp.cli.store.pace import pace
from dwcp.cli.store.passphrases import new_passphrase
from dwcp.words import bytes_text, counted

if TYPE_CHECKING:
    from dwcp.storage import Collected, StoreStats

__all__ = ["gc", "passphrase", "rebuild_index", "stats"]

_GC_INTERRUPTED = "interrupted; nothing is lost, and the same command goes on"


def stats(store: StoreArgument, passphrase_file: PassphraseOption = None, json: JsonFlag = False) -> None:
    """Say how much the store holds, and in what form.

    For example: dwcp store stats backups
    """
    from msgspec import to_builtins

    with open_store(store, passphrase_file) as opened:
        found = opened.stats()
    if json:
        print_json(to_builtins(found))
    else:
        _tell_stats(found)


def _tell_stats(found: "StoreStats") -> None:
    say(f"snapshots  {found.snapshot_count:,}")
    say(f"packs      {found.pack_count:,}, {bytes_text(found.pack_bytes)} together")
    say(
        f"blocks     {found.chunk_count:,} chunks, {found.node_count:,} nodes; "
        f"{counted(found.delta_count, 'delta')} among them"
    )
    say(f"content    {bytes_text(found.plain_bytes)}, stored in {bytes_text(found.stored_bytes)}")
    if found.codecs:
        rows = [
            (
                total.codec,
                f"{total.block_count:,}",
                bytes_text(total.plain_bytes),
                bytes_text(total.stored_bytes),
                f"{100 * total.stored_bytes / max(total.plain_bytes, 1):.0f} %",
            )
            for total in found.codecs
        ]
        print_table(("codec", "blocks", "content", "stored", "share"), rows, frozenset({1, 2, 3, 4}))


def gc(
    context: typer.Context,
    store: StoreArgument,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Change nothing; say what would be removed.")
    ] = False,
    passphrase_file: PassphraseOption = None,
    json: JsonFlag = False,
) -> None:
    """Free the room of what no snapshot leads to any more.

    Packs in which more is garbage than not are removed, once what is needed of them is safe in new ones. So
    some room is needed meanwhile, and a little garbage stays.

    For example: dwcp store gc backups
    """
    from msgspec.structs import asdict

    session = session_of(context)
    with (
        interruptible(session, _GC_INTERRUPTED),
        open_store(store, passphrase_file, is_writer=not dry_run) as opened,
    ):
        total_bytes = opened.stats().pack_bytes
        with pace(session, "gc", lambda: total_bytes) as done:
            collected = opened.collect(dry_run, done)
    if json:
        print_json({**asdict(collected), "dry_run": dry_run, "seconds": done.elapsed_s})
    else:
        _tell_collected(collected, dry_run)


def _tell_collected(collected: "Collected", dry_run: bool) -> None:
    would = "would be " if dry_run else ""
    say(
        f"{counted(collected.removed_packs, 'pack')} {would}removed with "
        f"{counted(collected.removed_blocks, 'block')}; "
        f"{counted(collected.moved_blocks, 'block')} {would}copied to new packs"
    )
    about = "about " if dry_run else ""
    if collected.freed_bytes >= 0:
        say(f"{about}{bytes_text(collected.freed_bytes)} {would}freed")
    else:
        say(f"the store grew by {bytes_text(-collected.freed_bytes)}; the next run frees more")


def rebuild_index(
    context: typer.Context,
    store: StoreArgument,
    passphrase_file: PassphraseOption = None,
    json: JsonFlag = False,
) -> None:
    """Forget the index and build it again from the packs. Nothing in it is needed for that.

    For example: dwcp store rebuild-index backups
    """
    session = session_of(context)
    with interruptible(session), open_store(store, passphrase_file, is_writer=True) as opened:
        opened.rebuild_index()
        found = opened.stats()
    blocks = found.chunk_count + found.node_count
    if json:
        print_json({"packs": found.pack_count, "blocks": blocks})
    else:
        say(f"the index knows {counted(blocks, 'block')} in {counted(found.pack_count, 'pack')}")
    if not found.snapshot_count:
        note(session, "there is no snapshot in this store")


def passphrase(
    store: StoreArgument,
    passphrase_file: PassphraseOption = None,
    new_file: Annotated[
        Path | None,
        typer.Option(
            "--new-passphrase-file", metavar="FILE", help="Holds the new one; asked for unless given."
        ),
    ] = None,
) -> None:
    """Let another passphrase open an encrypted store, in place of the present one.

    Nothing is encrypted anew: who has a copy of the store from before opens that with the old one.

    For example: dwcp store passphrase backups --passphrase-file old.txt --new-passphrase-file new.txt
    """
    with open_store(store, passphrase_file, is_writer=True) as opened:
        opened.change_passphrase(new_passphrase(new_file, is_change=True))
    say("the store opens with the new passphrase from now on")
