"""Opening a store: its settings, its passphrase, its lock, and an index that knows every pack."""

import secrets
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from itertools import islice
from pathlib import Path

from msgspec import Struct

from dwcp.errors import (
    CorruptIndexError,
    CorruptPackError,
    InputError,
    ObjectNotFoundError,
    StorageError,
    StoreError,
    StoreLockedError,
)
from dwcp.storage.backends import Backend, cache_folder, lock_folder, make_private_folder
from dwcp.storage.index import INDEX_FILE, Index, remove_index
from dwcp.storage.packs import PACKS, PackEntry, pack_id_of, read_directory
from dwcp.storage.sealing import DATA_KEY_BYTES, KeyCost
from dwcp.storage.settings import CONFIG, StoreSettings, is_sealed

__all__ = [
    "OpenIndex",
    "catch_up",
    "change_passphrase",
    "create_store",
    "index_path",
    "open_index",
    "open_settings",
    "stored_packs",
]

_THREADS = 8
"""Directories that are read at the same time: a service answers each late, and many together."""
_AT_ONCE = 64


class OpenIndex(Struct, frozen=True):
    """An index, held against the packs that are there.

    Attributes:
        index: knows the blocks of every pack that is there and can be read.
        gone: packs that it knows and that are not there.
    """

    index: Index
    gone: frozenset[bytes]


def create_store(backend: Backend, settings: StoreSettings, passphrase: str | None, cost: KeyCost) -> Backend:
    """Make an empty store.

    Args:
        backend: where it will be.
        settings: of the store.
        passphrase: to encrypt it with; None not to.
        cost: of trying a passphrase.

    Returns:
        The backend that its objects are written and read through.

    Raises:
        StoreError: there is one already.
        StoreLockedError: somebody is making one.
        InputError: the passphrase is empty or no text.
    """
    data, opened = settings.to_bytes(), backend
    if passphrase is not None:
        data_key = secrets.token_bytes(DATA_KEY_BYTES)
        data, opened = _sealed_config(settings, data_key, passphrase, cost), _sealing(backend, data_key)
    lock = backend.lock_writer()
    try:
        if backend.names():
            raise StoreError(
                f"{backend.shown} holds a store already, or the rest of one; it is left as it is"
            )
        backend.put(CONFIG, data)
    finally:
        lock.release()
    return opened


def open_settings(backend: Backend, passphrase: str | None) -> tuple[Backend, StoreSettings]:
    """The settings of a store, and the backend that its objects are read through.

    Args:
        backend: where it is.
        passphrase: of an encrypted store; None for one that is not.

    Raises:
        StoreError: there is none, it is damaged, or of a newer version.
        InputError: not its passphrase; none, and it is encrypted; or one, and it is not.
    """
    try:
        data = backend.get(CONFIG)
    except ObjectNotFoundError as error:
        raise StoreError(f"there is no store in {backend.shown}; make one first") from error
    if not is_sealed(data):
        if passphrase is not None:
            raise InputError(f"the store in {backend.shown} is not encrypted; open it without a passphrase")
        return backend, StoreSettings.from_bytes(data)
    if passphrase is None:
        raise InputError(f"the store in {backend.shown} is encrypted; give its passphrase")
    from dwcp.storage.sealing.config import open_sealed_config

    settings, data_key = open_sealed_config(data, passphrase, backend.shown)
    return _sealing(backend, data_key), settings


def change_passphrase(backend: Backend, settings: StoreSettings, passphrase: str, cost: KeyCost) -> None:
    """Let another passphrase open an encrypted store, in place of the one that did.

    Args:
        backend: that its objects are read through.
        settings: of the store.
        passphrase: the new one.
        cost: of trying it.

    Raises:
        InputError: it is empty or no text, or the store is not encrypted.
        StorageError: the disk is full, fails or may not be written. The old one still opens it.
    """
    from dwcp.storage.sealing.backend import SealedBackend

    if not isinstance(backend, SealedBackend):
        raise InputError(
            f"the store in {backend.shown} is not encrypted; make one that is, and put everything there"
        )
    backend.inner.put(CONFIG, _sealed_config(settings, backend.keys.data_key, passphrase, cost))


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

    One that is damaged is built again. A reader changes a file only where nobody writes to the store
    from this folder; a writer has indexed what was there before it, and does so with what it adds. Where a
    reader cannot use the file, as on a disk that is full or may not be written, its index is in memory.

    Args:
        backend: where the packs are.
        is_writer: whether the caller has the writer's lock.

    Raises:
        CorruptIndexError: it is damaged, and somebody else is writing to the store.
    """
    path = index_path(backend)
    if path is not None and not backend.is_index_shared:
        make_private_folder(path.parent)
    try:
        return _open(backend, path, is_writer)
    except CorruptIndexError:
        if path is None:
            raise
        rebuilt = path
    except StorageError:
        if is_writer or path is None:
            raise
        return _open(backend, None, is_writer)
    if is_writer:
        remove_index(rebuilt)
    elif not _alone(rebuilt, lambda: remove_index(rebuilt)):
        raise CorruptIndexError(
            f"the index {path} is damaged while somebody writes to the store; try again when they are done"
        )
    return _open(backend, path, is_writer)


def catch_up(backend: Backend, index: Index, is_writer: bool) -> frozenset[bytes]:
    """Make an index know every pack, and no other.

    One that all share keeps what it knows of packs that are not there: they were lost. In a user's own they
    may as well have been collected by somebody elsewhere, so it forgets them.

    Args:
        backend: where the packs are.
        index: of this backend's local folder.
        is_writer: whether the caller has the writer's lock.

    Returns:
        Packs that it knows and that are not there.
    """
    known = set(index.pack_ids())  # first: a pack is there before it is known, and as long as it is
    there = stored_packs(backend)
    unknown, gone = there - known, frozenset(known - there)
    forgotten = frozenset() if backend.is_index_shared else gone

    def change() -> None:
        index.forget_packs(forgotten)
        for pack_id, entries in _directories(backend, sorted(unknown)):
            index.add_pack(pack_id, entries, is_new=False)

    path = index_path(backend)
    if not unknown and not forgotten:
        return gone
    if is_writer or path is None or index.is_in_memory:
        change()
    elif not _alone(path, change):
        return gone
    return gone - forgotten


def _open(backend: Backend, path: Path | None, is_writer: bool) -> OpenIndex:
    index = Index(path)
    try:
        return OpenIndex(index, catch_up(backend, index, is_writer))
    except BaseException:
        index.close()
        raise


def _directories(backend: Backend, pack_ids: Iterable[bytes]) -> Iterator[tuple[bytes, list[PackEntry]]]:
    """What lies in packs; one whose directory cannot be read is left to `verify`."""

    def read(pack_id: bytes) -> list[PackEntry] | None:
        try:
            return read_directory(backend, pack_id)
        except (CorruptPackError, ObjectNotFoundError):
            return None

    remaining = iter(pack_ids)
    with ThreadPoolExecutor(_THREADS) as pool:
        while batch := list(islice(remaining, _AT_ONCE)):
            for pack_id, entries in zip(batch, pool.map(read, batch), strict=True):
                if entries is not None:
                    yield pack_id, entries


def _alone(index: Path, work: Callable[[], None]) -> bool:
    """Do something while nobody writes from here; gives False, with nothing done, where somebody does."""
    try:
        lock = lock_folder(index.parent, str(index.parent))
    except StoreLockedError:
        return False
    try:
        work()
    finally:
        lock.release()
    return True


def _sealing(backend: Backend, data_key: bytes) -> Backend:
    """A backend behind a key; the index leaves a folder in which whoever keeps the store could read it."""
    from dwcp.storage.sealing.backend import SealedBackend
    from dwcp.storage.sealing.keys import StoreKeys

    keys = StoreKeys(data_key)
    in_reach = backend.local_folder is not None and backend.is_index_shared
    return SealedBackend(backend, keys, cache_folder(keys.cache_id) if in_reach else None)


def _sealed_config(settings: StoreSettings, data_key: bytes, passphrase: str, cost: KeyCost) -> bytes:
    from dwcp.storage.sealing.config import CONFIG_SALT_BYTES, sealed_config

    return sealed_config(settings, data_key, passphrase, cost, secrets.token_bytes(CONFIG_SALT_BYTES))
