"""Opening a store: its settings, its lock, and an index that knows every pack."""

from collections.abc import Callable, Iterable
from contextlib import suppress
from pathlib import Path

from msgspec import Struct

from dwcp.errors import CorruptIndexError, CorruptPackError, ObjectNotFoundError, StoreError, StoreLockedError
from dwcp.storage.backends import Backend
from dwcp.storage.index import INDEX_FILE, Index, remove_index
from dwcp.storage.packs import PACKS, pack_id_of, read_directory
from dwcp.storage.settings import CONFIG, StoreSettings

__all__ = ["OpenIndex", "create_store", "index_path", "open_index", "read_settings", "stored_packs"]


class OpenIndex(Struct, frozen=True):
    """An index, held against the packs that are there.

    Attributes:
        index: knows the blocks of every pack that is there and can be read.
        gone: packs that it knows and that are not there.
    """

    index: Index
    gone: frozenset[bytes]


def create_store(backend: Backend, settings: StoreSettings) -> None:
    """Make an empty store.

    Raises:
        StoreError: there is one already.
        StoreLockedError: somebody is making one.
    """
    lock = backend.lock_writer()
    try:
        if backend.names():
            raise StoreError(
                f"{backend.shown} holds a store already, or the rest of one; it is left as it is"
            )
        backend.put(CONFIG, settings.to_bytes())
    finally:
        lock.release()


def read_settings(backend: Backend) -> StoreSettings:
    """The settings of a store.

    Raises:
        StoreError: there is none, it is damaged, or of a newer version.
    """
    try:
        return StoreSettings.from_bytes(backend.get(CONFIG))
    except ObjectNotFoundError as error:
        raise StoreError(f"there is no store in {backend.shown}; make one first") from error


def stored_packs(backend: Backend) -> set[bytes]:
    """The packs that are there."""
    found = (pack_id_of(name) for name in backend.names(PACKS))
    return {pack_id for pack_id in found if pack_id is not None}


def index_path(backend: Backend) -> Path | None:
    """Where a backend's index lies; None for memory."""
    folder = backend.local_folder
    return None if folder is None else folder / INDEX_FILE


def open_index(backend: Backend, is_writer: bool) -> OpenIndex:
    """Open the index and make it know every pack.

    One that is damaged is built again. A reader changes a file only where nobody writes to the store;
    a writer has indexed what was there before it, and does so with what it adds.

    Args:
        backend: where the packs are.
        is_writer: whether the caller has the writer's lock.

    Raises:
        CorruptIndexError: it is damaged, and somebody else is writing to the store.
    """
    path = index_path(backend)
    try:
        return _open(backend, path, is_writer)
    except CorruptIndexError:
        if path is None:
            raise
        rebuilt = path
    if is_writer:
        remove_index(rebuilt)
    elif not _alone(backend, lambda: remove_index(rebuilt)):
        raise CorruptIndexError(
            f"the index {path} is damaged while somebody writes to the store; try again when they are done"
        )
    return _open(backend, path, is_writer)


def _open(backend: Backend, path: Path | None, is_writer: bool) -> OpenIndex:
    index = Index(path)
    try:
        there = stored_packs(backend)
        known = set(index.pack_ids())
        unknown = sorted(there - known)
        if unknown and (is_writer or path is None):
            _index_packs(backend, index, unknown)
        elif unknown:
            _alone(backend, lambda: _index_packs(backend, index, unknown))
        return OpenIndex(index, frozenset(known - there))
    except Exception:
        index.close()
        raise


def _index_packs(backend: Backend, index: Index, pack_ids: Iterable[bytes]) -> None:
    """Add packs to the index; one whose directory cannot be read is left to `verify`."""
    for pack_id in pack_ids:
        with suppress(CorruptPackError, ObjectNotFoundError):
            index.add_pack(pack_id, read_directory(backend, pack_id), is_new=False)


def _alone(backend: Backend, work: Callable[[], None]) -> bool:
    """Do something while nobody writes; gives False, with nothing done, where somebody does."""
    try:
        lock = backend.lock_writer()
    except StoreLockedError:
        return False
    try:
        work()
    finally:
        lock.release()
    return True
