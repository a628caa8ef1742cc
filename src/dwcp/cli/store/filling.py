"""``dwcp store init`` and ``dwcp store put``: make a store, and keep files in it."""

import os
import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from dwcp.cli.interrupts import interruptible
from dwcp.cli.options import JsonFlag
from dwcp.cli.output import print_json, say
from dwcp.cli.session import session_of
from dwcp.cli.store.arguments import PassphraseOption, StoreArgument
from dwcp.cli.store.names import as_text, id_text, shown, tree_name
from dwcp.cli.store.opening import backend_of, open_store
from dwcp.cli.store.pace import counting, pace
from dwcp.cli.store.passphrases import new_passphrase
from dwcp.cli.store.skipping import end_with_skipped, skipped_fields
from dwcp.errors import InputError
from dwcp.words import bytes_text, counted

if TYPE_CHECKING:
    from dwcp.storage import Backend, Store

__all__ = ["init", "put"]

_INTERRUPTED = "interrupted; nothing of it is kept, and what was stored is not stored again next time"


def init(
    store: StoreArgument,
    min_bytes: Annotated[
        int | None, typer.Option("--min", metavar="BYTES", help="Shortest chunk; 32768 unless given.")
    ] = None,
    avg_bytes: Annotated[
        int | None,
        typer.Option("--avg", metavar="BYTES", help="Usual chunk, a power of two; 65536 unless given."),
    ] = None,
    max_bytes: Annotated[
        int | None, typer.Option("--max", metavar="BYTES", help="Longest chunk; 262144 unless given.")
    ] = None,
    encrypt: Annotated[
        bool,
        typer.Option(
            "--encrypt", help="Encrypt all of it with a passphrase. Who loses that loses the store."
        ),
    ] = False,
    passphrase_file: PassphraseOption = None,
    json: JsonFlag = False,
) -> None:
    """Make an empty store in a folder that is new or empty, or in a bucket.

    The sizes by which files are cut stay as they are for ever: smaller chunks find more that is alike, and
    cost more room and time for each. So does whether it is encrypted.

    For example: dwcp store init backups
    """
    from dwcp.blocks import DEFAULT_CHUNKING, Chunking
    from dwcp.storage import Store, StoreSettings

    usual = DEFAULT_CHUNKING
    chunking = Chunking(
        usual.min_bytes if min_bytes is None else min_bytes,
        usual.avg_bytes if avg_bytes is None else avg_bytes,
        usual.max_bytes if max_bytes is None else max_bytes,
    )
    passphrase = new_passphrase(passphrase_file) if encrypt or passphrase_file is not None else None
    Store.create(backend_of(store), StoreSettings(chunking), passphrase=passphrase).close()
    sizes = {
        "min_bytes": chunking.min_bytes,
        "avg_bytes": chunking.avg_bytes,
        "max_bytes": chunking.max_bytes,
    }
    if json:
        print_json({"store": store, **sizes, "encrypted": passphrase is not None})
    else:
        kind = "store" if passphrase is None else "encrypted store"
        say(f"an empty {kind} is in {shown(os.fsencode(store))}")


def put(
    context: typer.Context,
    store: StoreArgument,
    path: Annotated[Path, typer.Argument(help="File or folder to keep.", readable=False, show_default=False)],
    tag: Annotated[
        list[str] | None,
        typer.Option("--tag", metavar="TEXT", help="A word to know the snapshot by; may be given again."),
    ] = None,
    host: Annotated[
        str | None, typer.Option("--host", metavar="TEXT", help="Where it is; this host unless given.")
    ] = None,
    skip_unreadable: Annotated[
        bool,
        typer.Option("--skip-unreadable", help="Leave out what cannot be kept, and end with 3, not at once."),
    ] = False,
    deltas: Annotated[
        bool,
        typer.Option(
            "--deltas/--no-deltas", help="Keep a block as what differs from a similar one, where that saves."
        ),
    ] = True,
    passphrase_file: PassphraseOption = None,
    json: JsonFlag = False,
) -> None:
    """Keep a file or folder as it is now, as a snapshot. What the store has already is not stored again.

    A symbolic link is kept as one. Killed at any moment, it leaves a store as good as before.

    For example: dwcp store put backups photos --tag before-moving
    """
    import platform

    from dwcp.cli.memory import tune_allocator

    tune_allocator()
    session = session_of(context)
    skipped: dict[bytes, str] = {}

    def skip(left_out: bytes, why: str) -> None:
        if not skip_unreadable or b"/" not in left_out:
            _refuse(left_out, why)
        skipped[left_out] = why

    with interruptible(session, _INTERRUPTED), open_store(store, passphrase_file, is_writer=True) as opened:
        _refuse_store_in(path, opened.backend)
        if deltas:
            _find_similar(opened)
        before = opened.packs()
        with counting(path) as total, pace(session, path.name or str(path), total) as done:
            snapshot_id = opened.put(
                path,
                time.time_ns(),
                platform.node() if host is None else host,
                tag or (),
                skip,
                done,
            )
        added_bytes = _added_bytes(opened, before)
        name = tree_name(opened, snapshot_id)
    if json:
        print_json(
            {
                "snapshot": snapshot_id.hex(),
                "name": None if name is None else as_text(name),
                "files": done.files,
                "bytes": done.size_bytes,
                "added_bytes": added_bytes,
                "seconds": done.elapsed_s,
                "skipped": skipped_fields(skipped),
            }
        )
    else:
        kept = "nothing" if name is None else shown(name)
        say(f"{kept} is kept as {id_text(snapshot_id)}: {counted(done.files, 'file')}")
        say(
            f"{bytes_text(done.size_bytes)} in {done.elapsed_s:,.1f} s, "
            f"{bytes_text(added_bytes)} added to the store"
        )
    end_with_skipped(session, skipped)


def _find_similar(store: "Store") -> None:
    from dwcp.storage import StorageHints
    from dwcp.tasks.dedup.similar import similar_beside

    store.hints = StorageHints(similar=similar_beside(store.backend.local_folder))


def _refuse(path: bytes, why: str) -> None:
    raise InputError(
        f"{shown(path)} cannot be kept: {why}; mend that, or leave out what cannot be kept: --skip-unreadable"
    )


def _refuse_store_in(path: Path, backend: "Backend") -> None:
    from dwcp.storage import FolderBackend
    from dwcp.storage.sealing.backend import SealedBackend

    within = backend.inner if isinstance(backend, SealedBackend) else backend
    folder = within.path if isinstance(within, FolderBackend) and not path.is_symlink() else None
    if folder is not None and folder.resolve().is_relative_to(path.resolve()):
        raise InputError(f"the store {backend.shown} lies in what is to be put; put it elsewhere")


def _added_bytes(store: "Store", before: set[bytes]) -> int:
    """Of the packs that are new."""
    from dwcp.storage.packs import pack_object

    return sum(store.backend.size(pack_object(pack_id)) for pack_id in store.packs() - before)
