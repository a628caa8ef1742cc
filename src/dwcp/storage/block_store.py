"""Blocks by id: each is kept once, in packs, and checked against its id whenever it is read."""

from collections.abc import Iterator
from contextlib import contextmanager
from threading import RLock
from types import TracebackType
from typing import Self

from dwcp.codecs import Buffer, Reference, codec_named, plaintext_id
from dwcp.codecs.buffers import byte_view
from dwcp.errors import BlockNotFoundError, CorruptBlockError, InputError, ObjectNotFoundError, StoreError
from dwcp.storage.backends import Backend, WriterLock
from dwcp.storage.encoding import Encoded, encode_block, encode_delta, open_block
from dwcp.storage.hints import StorageHints
from dwcp.storage.index import Index, remove_index
from dwcp.storage.opening import (
    catch_up,
    change_passphrase,
    create_store,
    index_path,
    open_index,
    open_settings,
    stored_packs,
)
from dwcp.storage.packs import MAX_BLOCK_BYTES, PackEntry, PackWriter, StoredKind, pack_object
from dwcp.storage.sealing import DEFAULT_KEY_COST, KeyCost
from dwcp.storage.settings import StoreSettings

__all__ = ["DEFAULT_CODEC", "BlockStore"]

DEFAULT_CODEC = "zstd-3"
"""What blocks are compressed with unless another codec is asked for."""
_DELTA_LEVEL = 3


class BlockStore:
    """A store's blocks. Any number of readers, in any threads; one writer, in one thread.

    What was put before a `flush` that returned is there after any crash. What was put since may be lost.
    """

    def __init__(
        self, backend: Backend, settings: StoreSettings, lock: WriterLock | None, codec: str = DEFAULT_CODEC
    ) -> None:
        """Use `create` and `open` instead, which look after the lock."""
        self.backend = backend
        self.settings = settings
        self._codec = codec_named(codec)
        if self._codec.needs_reference:
            raise InputError(f"blocks are compressed by themselves, which {codec} cannot; use zstd-3")
        self._lock = lock
        self._guard = RLock()
        self._pack = PackWriter()
        opened = open_index(backend, lock is not None)
        self.index: Index = opened.index
        self.gone_packs: frozenset[bytes] = opened.gone
        self.hints = StorageHints()

    @classmethod
    def create(
        cls,
        backend: Backend,
        settings: StoreSettings | None = None,
        codec: str = DEFAULT_CODEC,
        passphrase: str | None = None,
        cost: KeyCost = DEFAULT_KEY_COST,
    ) -> Self:
        """Make an empty store and open it to write.

        Args:
            backend: where it will be; has no objects.
            settings: fixed from now on.
            codec: what blocks are compressed with, by name; may be another one each time.
            passphrase: to encrypt everything with; None not to. Who has lost it has lost the store.
            cost: of trying a passphrase, in memory and time.

        Raises:
            StoreError: there is a store already.
            StoreLockedError: somebody else is making or writing one.
            InputError: no such codec, or one that needs a reference; or an empty passphrase.
        """
        settings = settings or StoreSettings()
        return cls._opened(create_store(backend, settings, passphrase, cost), settings, True, codec)

    @classmethod
    def open(
        cls,
        backend: Backend,
        is_writer: bool = True,
        codec: str = DEFAULT_CODEC,
        passphrase: str | None = None,
    ) -> Self:
        """Open a store.

        Args:
            backend: where it is.
            is_writer: whether to write to it; False to read alone, beside others and a writer.
            codec: what blocks are compressed with, by name.
            passphrase: of an encrypted store.

        Raises:
            StoreError: there is none, or of a newer version.
            StoreLockedError: somebody else writes to it.
            CorruptIndexError: its index is damaged while somebody else writes to it.
            InputError: no such codec, or one that needs a reference; or not the store's passphrase.
        """
        return cls._opened(*open_settings(backend, passphrase), is_writer, codec)

    @classmethod
    def _opened(cls, backend: Backend, settings: StoreSettings, is_writer: bool, codec: str) -> Self:
        lock = backend.lock_writer() if is_writer else None
        try:
            return cls(backend, settings, lock, codec)
        except BaseException:
            if lock is not None:
                lock.release()
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        try:
            if kind is None and self._lock is not None:
                self.flush()
        finally:
            self.close()

    def put_block(self, plain: Buffer, kind: StoredKind, block_id: bytes | None = None) -> bytes:
        """Keep a block, once.

        Args:
            plain: the block, at most 8 MiB.
            kind: chunk or node.
            block_id: its id, where the caller has computed it.

        Returns:
            Its id.

        Raises:
            InputError: it is too long.
            StoreError: the store is open to read alone.
            StorageError: the disk is full, fails or may not be written.
        """
        view = self._checked(plain)
        known_id = plaintext_id(view) if block_id is None else block_id
        with self._guard:
            if not self.has(known_id):
                self._add(known_id, kind, len(view), encode_block(view, self._codec))
        return known_id

    def put_delta(self, plain: Buffer, base_id: bytes, kind: StoredKind = StoredKind.CHUNK) -> bytes:
        """Keep a block as what differs from another; by itself where that does not pay or cannot be.

        The other must be whole: a delta is never made against a delta. It is kept for as long as this one.

        Args:
            plain: the block, at most 8 MiB.
            base_id: of a similar block.
            kind: chunk or node.

        Returns:
            Its id.

        Raises:
            InputError: it is too long.
            StoreError: the store is open to read alone.
            StorageError: the disk is full, fails or may not be written.
        """
        view = self._checked(plain)
        block_id = plaintext_id(view)
        with self._guard:
            if self.has(block_id):
                return block_id
            encoded = encode_block(view, self._codec)
            base = None if self.index.is_base(block_id) else self.base_for(base_id)
            if base is not None:
                encoded = encode_delta(view, base, _DELTA_LEVEL, encoded)
            self._add(block_id, kind, len(view), encoded)
        return block_id

    def encoded(self, plain: Buffer) -> Encoded:
        """A block as it is stored by itself; from any thread."""
        return encode_block(plain, self._codec)

    def put_encoded(self, block_id: bytes, kind: StoredKind, plain_bytes: int, encoded: Encoded) -> None:
        """Keep a block that was encoded already, and that the store does not have: `has` was asked.

        Args:
            block_id: of the block.
            kind: chunk or node.
            plain_bytes: length of its plaintext, at most 8 MiB.
            encoded: as it is stored: by itself, or against a base that `base_for` gave.

        Raises:
            StoreError: the store is open to read alone.
            StorageError: the disk is full, fails or may not be written.
        """
        with self._guard:
            self.check_writer()
            if self._pack.find(block_id) is None:
                self._add(block_id, kind, plain_bytes, encoded)

    def base_for(self, base_id: bytes) -> Reference | None:
        """A block that a delta can be made against: there, whole, and sound; None where it is not.

        Raises:
            StorageError: the disk fails or may not be read.
        """
        entry = self.entry_of(base_id)
        if entry is None or entry.base:
            return None
        try:
            return Reference(base_id, self.get_block(base_id))
        except (BlockNotFoundError, CorruptBlockError):
            return None

    def get_block(self, block_id: bytes) -> bytes:
        """The plaintext with this id; it has been checked that it is.

        Raises:
            BlockNotFoundError: it is not here, or the pack that held it is gone.
            CorruptBlockError: what is stored is damaged.
            StorageError: the disk fails or may not be read.
        """
        entry, stored = self.read_stored(block_id)
        return open_block(entry, stored, self.bases)

    def has(self, block_id: bytes) -> bool:
        """Whether there is a block with this id; put is enough, `flush` is not needed."""
        return self.entry_of(block_id) is not None

    def entry_of(self, block_id: bytes) -> PackEntry | None:
        """How a block is stored; None where it is not here, or its pack is gone."""
        with self._guard:
            pending = self._pack.find(block_id)
        if pending is not None:
            return pending
        found = self.index.find(block_id)
        return None if found is None or found.pack_id in self.gone_packs else found.entry

    def read_stored(self, block_id: bytes) -> tuple[PackEntry, bytes]:
        """A block as it is stored, not checked.

        Raises:
            BlockNotFoundError: it is not here, or the pack that held it is gone.
            CorruptBlockError: the store is encrypted, and what is stored is damaged or altered.
            StorageError: the disk fails or may not be read.
        """
        missing = None
        while True:
            with self._guard:
                pending = self._pack.find(block_id)
                if pending is not None:
                    return pending, self._pack.read(pending)
                found = self.index.find(block_id)
            if found is None:
                raise BlockNotFoundError(f"there is no block {block_id.hex()} in {self.backend.shown}")
            if found.pack_id == missing:
                raise BlockNotFoundError(
                    f"block {block_id.hex()} is lost: its pack {pack_object(missing)} is gone"
                )
            entry = found.entry
            try:
                name = pack_object(found.pack_id)
                return entry, self.backend.get(name, entry.offset, entry.stored_bytes)
            except ObjectNotFoundError:
                missing = found.pack_id  # a collection may have moved the block meanwhile: look again, once
                if not self.backend.is_index_shared:
                    with self._guard:
                        self.gone_packs = catch_up(self.backend, self.index, self.is_writer)
            except CorruptBlockError as error:
                raise CorruptBlockError(f"block {block_id.hex()} is damaged: {error}") from error

    @property
    def bases(self) -> "_Bases":
        """Where deltas find what they were made against."""
        return _Bases(self)

    def flush(self) -> None:
        """Make all that was put so far durable: the pack is written, then indexed.

        Raises:
            StorageError: the disk is full, fails or may not be written. Nothing was lost; try again.
        """
        with self._guard:
            if self._pack.is_empty:
                return
            whole = self._pack.whole()
            self.backend.put(pack_object(whole.id), whole.data)
            self.index.add_pack(whole.id, whole.entries, is_new=True)
            self.gone_packs -= {whole.id}
            self._pack = PackWriter()

    def copy_stored(self, entry: PackEntry, stored: bytes) -> None:
        """Put a stored block into the pack that is being filled, though it is kept elsewhere already.

        Args:
            entry: what its present pack says of it.
            stored: its frame, which the caller has checked.

        Raises:
            StoreError: the store is open to read alone.
            StorageError: the disk is full, fails or may not be written.
        """
        with self._guard:
            self.check_writer()
            if self._pack.find(entry.id) is None:
                self._add(entry.id, entry.kind, entry.plain_bytes, Encoded(stored, entry.codec, entry.base))

    def rebuild_index(self) -> None:
        """Forget the index and build it again from the packs.

        Raises:
            StoreError: the store is open to read alone.
            StorageError: the disk is full, fails or may not be written.
        """
        with self._guard:
            self.check_writer()
            self.index.close()
            path = index_path(self.backend)
            if path is not None:
                remove_index(path)
            opened = open_index(self.backend, is_writer=True)
            self.index, self.gone_packs = opened.index, opened.gone

    def change_passphrase(self, passphrase: str, cost: KeyCost = DEFAULT_KEY_COST) -> None:
        """Let another passphrase open the store, in place of the one that did. Nothing is sealed anew.

        Args:
            passphrase: the new one.
            cost: of trying it, in memory and time.

        Raises:
            StoreError: the store is open to read alone.
            InputError: it is empty or no text, or the store is not encrypted.
            StorageError: the disk is full, fails or may not be written. The old one still opens it.
        """
        self.check_writer()
        change_passphrase(self.backend, self.settings, passphrase, cost)

    def packs(self) -> set[bytes]:
        """The packs that are there now."""
        return stored_packs(self.backend)

    @property
    def is_writer(self) -> bool:
        """Whether it is open to write."""
        return self._lock is not None

    def check_writer(self) -> None:
        """Refuse to write where the store is open to read alone.

        Raises:
            StoreError: it is.
        """
        if self._lock is None:
            raise StoreError(f"the store in {self.backend.shown} is open to read alone; open it to write")

    def close(self) -> None:
        """Let others write. What was put and not flushed is lost."""
        self.index.close()
        if self._lock is not None:
            self._lock.release()

    def _checked(self, plain: Buffer) -> memoryview:
        self.check_writer()
        view = byte_view(plain)
        if len(view) > MAX_BLOCK_BYTES:
            raise InputError(f"a block has at most {MAX_BLOCK_BYTES} bytes, and this one {len(view)}")
        return view

    def _add(self, block_id: bytes, kind: StoredKind, plain_bytes: int, encoded: Encoded) -> None:
        self._pack.add(block_id, kind, encoded.stored, plain_bytes, encoded.codec, encoded.base)
        if self._pack.is_full:
            self.flush()


class _Bases:
    """Finds what deltas were made against, in the store itself."""

    def __init__(self, store: BlockStore) -> None:
        self._store = store

    @contextmanager
    def pin(self, reference_id: bytes) -> Iterator[Reference]:
        """The plaintext with this id; the store's collection keeps it."""
        entry = self._store.entry_of(reference_id)
        if entry is not None and entry.base:
            raise CorruptBlockError(f"its base {reference_id.hex()} is a delta itself")
        yield Reference(reference_id, self._store.get_block(reference_id))
