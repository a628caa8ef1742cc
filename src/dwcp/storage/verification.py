"""Verification: reads everything, and says what is damaged or missing and which files that touches."""

from collections.abc import Iterable
from enum import Enum

from blake3 import blake3
from msgspec import Struct

from dwcp.blocks import FileEntry, FilePart, LinkKind, SubdirectoryEntry, ZeroRun
from dwcp.errors import (
    CorruptBlockError,
    CorruptIndexError,
    CorruptPackError,
    DwcpError,
    ObjectNotFoundError,
)
from dwcp.storage.block_store import BlockStore
from dwcp.storage.encoding import open_block
from dwcp.storage.packs import PackEntry, open_pack, pack_object, read_directory
from dwcp.storage.progress import Progress, silent
from dwcp.storage.snapshots import Snapshot, read_snapshot, snapshot_ids, snapshot_object
from dwcp.storage.trees import NodeReader, walk_tree

__all__ = ["Fault", "FaultKind", "TouchedPath", "Verified", "verify_store"]


class FaultKind(Enum):
    """What is wrong."""

    BLOCK = "block"
    """A block cannot be read."""
    INDEX = "index"
    """The index does not say what the packs say: rebuild it."""
    PACK = "pack"
    """A pack is gone, or is not what its name says."""
    SNAPSHOT = "snapshot"
    """A snapshot's object, or the root of its tree, cannot be read."""


class Fault(Struct, frozen=True):
    """One thing that is wrong.

    Attributes:
        kind: what it is wrong with.
        subject: name of the object, id of the block in hexadecimal, or ``index``.
        words: what is wrong, as a person reads it.
    """

    kind: FaultKind
    subject: str
    words: str


class TouchedPath(Struct, frozen=True):
    """A path that cannot be restored whole.

    Attributes:
        snapshot_id: of the snapshot it is in.
        path: of the file; of the folder where it is the folder's own list that is damaged; ``b""`` for all.
    """

    snapshot_id: bytes
    path: bytes


class Verified(Struct, frozen=True):
    """What verification found.

    Attributes:
        pack_count: packs that were looked at.
        block_count: blocks that were looked at; decoded and held against their ids, if data was read.
        faults: all that is wrong; nothing where all is well.
        touched: paths that it touches, in order within a snapshot.
    """

    pack_count: int
    block_count: int
    faults: tuple[Fault, ...]
    touched: tuple[TouchedPath, ...]

    @property
    def is_clean(self) -> bool:
        """Whether nothing is wrong."""
        return not self.faults and not self.touched


def verify_store(store: BlockStore, read_data: bool = True, progress: Progress = silent) -> Verified:
    """Hold packs, index and snapshots against each other. One pack at a time is in memory.

    Best where nobody else writes: a pack that is put meanwhile may be found before it is indexed.

    Args:
        store: open, flushed.
        read_data: whether every pack is read whole and every block in it decoded; if not, the packs'
            directories and the nodes alone are.
        progress: told of the bytes of packs that were gone through, then of files.

    Raises:
        StorageError: the disk fails or may not be read.
    """
    return _Verification(store, read_data, progress).run()


class _Verification:
    """One run: packs first, then the index, then what the snapshots lead to."""

    def __init__(self, store: BlockStore, read_data: bool, progress: Progress) -> None:
        self._store = store
        self._read_data = read_data
        self._progress = progress
        self._faults: dict[tuple[FaultKind, str], Fault] = {}
        self._bad: set[bytes] = set()
        self._touched: dict[TouchedPath, None] = {}
        self._clean: set[bytes] = set()
        self._block_count = 0

    def run(self) -> Verified:
        there = self._store.packs()
        for text in self._store.index.faults():
            self._note(FaultKind.INDEX, "index", text)
        for pack_id in sorted(there):
            self._pack(pack_id)
        self._gone()
        for snapshot_id in snapshot_ids(self._store.backend):
            self._snapshot(snapshot_id)
        return Verified(len(there), self._block_count, tuple(self._faults.values()), tuple(self._touched))

    def _note(self, kind: FaultKind, subject: str, words: str) -> None:
        self._faults.setdefault((kind, subject), Fault(kind, subject, words))

    def _bad_block(self, block_id: bytes, words: str) -> None:
        self._bad.add(block_id)
        self._note(FaultKind.BLOCK, block_id.hex(), words)

    def _pack(self, pack_id: bytes) -> None:
        name = pack_object(pack_id)
        try:
            if not self._read_data:
                self._rows(pack_id, read_directory(self._store.backend, pack_id))
                return
            data = self._store.backend.get(name)
        except CorruptPackError as error:
            self._note(FaultKind.PACK, name, str(error))
            return
        except CorruptBlockError as error:
            self._note(FaultKind.PACK, name, str(error))
            self._sealed_blocks(name, pack_id)
            return
        except ObjectNotFoundError:
            return  # collected meanwhile; else `_gone` finds it
        words = None if blake3(data).digest() == pack_id else "its content is not what its name says"
        try:
            entries = open_pack(data)
        except CorruptPackError as error:
            words = f"{error}; what the index knows of it can still be read"
            entries = self._indexed(pack_id)
        else:
            self._rows(pack_id, entries)
        if words is not None:
            self._note(FaultKind.PACK, name, words)
        for entry in entries:
            self._block(name, entry, data[entry.offset : entry.end])
            self._progress(0, entry.stored_bytes)

    def _sealed_blocks(self, name: str, pack_id: bytes) -> None:
        """Of a damaged pack in an encrypted store the parts that are sound can be read, one by one."""
        try:
            entries = read_directory(self._store.backend, pack_id)
        except CorruptPackError:
            entries = self._indexed(pack_id)
        for entry in entries:
            try:
                stored = self._store.backend.get(name, entry.offset, entry.stored_bytes)
            except CorruptBlockError as error:
                self._block_count += 1
                self._bad_block(entry.id, str(error))
            else:
                self._block(name, entry, stored)
            self._progress(0, entry.stored_bytes)

    def _block(self, name: str, entry: PackEntry, stored: bytes) -> None:
        self._block_count += 1
        try:
            open_block(entry, stored, self._store.bases)
        except CorruptBlockError as error:
            self._bad_block(entry.id, f"{error} (in {name})")

    def _rows(self, pack_id: bytes, entries: Iterable[PackEntry]) -> None:
        """Hold a pack's directory against what the index says of it."""
        rows = {entry.id: entry for entry in self._indexed(pack_id)}
        for entry in entries:
            if not self._read_data:
                self._block_count += 1
                self._progress(0, entry.stored_bytes)
            row = rows.pop(entry.id, None)
            if (entry != row) if row is not None else not self._is_elsewhere(pack_id, entry.id):
                self._note(
                    FaultKind.INDEX, entry.id.hex(), f"its row is not what {pack_object(pack_id)} says"
                )
        for block_id in rows:
            self._note(FaultKind.INDEX, block_id.hex(), f"{pack_object(pack_id)} does not hold it")

    def _is_elsewhere(self, pack_id: bytes, block_id: bytes) -> bool:
        """Whether a block is taken from another pack; that pack's directory says whether that is so."""
        try:
            found = self._store.index.find(block_id)
        except CorruptIndexError as error:
            self._note(FaultKind.INDEX, "index", str(error))
            return False
        return found is not None and found.pack_id not in {pack_id, *self._store.gone_packs}

    def _indexed(self, pack_id: bytes) -> list[PackEntry]:
        try:
            return self._store.index.entries_in(pack_id)
        except CorruptIndexError as error:
            self._note(FaultKind.INDEX, "index", str(error))
            return []

    def _gone(self) -> None:
        """Packs that the index knows and that are not there, with the blocks that were taken from them.

        The index is asked first: a pack is there before it is indexed, and leaves the index before it goes.
        """
        try:
            known = self._store.index.pack_ids()
        except CorruptIndexError as error:
            self._note(FaultKind.INDEX, "index", str(error))
            return
        there = self._store.packs()
        for pack_id in known:
            lost = self._indexed(pack_id) if pack_id not in there else []
            if lost:
                self._note(FaultKind.PACK, pack_object(pack_id), "it is gone, with the blocks that lay in it")
            for entry in lost:
                self._bad_block(entry.id, f"its pack {pack_object(pack_id)} is gone")

    def _snapshot(self, snapshot_id: bytes) -> None:
        name = snapshot_object(snapshot_id)
        try:
            snapshot = read_snapshot(self._store.backend, snapshot_id)
        except (CorruptBlockError, ObjectNotFoundError) as error:
            self._note(FaultKind.SNAPSHOT, name, str(error))
            self._touched[TouchedPath(snapshot_id, b"")] = None
            return
        try:
            self._tree(snapshot)
        except CorruptBlockError as error:
            self._note(FaultKind.SNAPSHOT, name, str(error))
            self._touched[TouchedPath(snapshot_id, b"")] = None

    def _tree(self, snapshot: Snapshot) -> None:
        """Go through a tree; a folder below which all is well is gone through once, whoever has it."""

        def lost(path: bytes, error: DwcpError) -> None:
            self._lost_node(error)
            self._touched[TouchedPath(snapshot.id, path)] = None

        counts: list[int] = []
        reader = NodeReader(self._node)
        for visit in walk_tree(reader, snapshot.node.root, lost, self._clean.__contains__):
            entry = visit.entry
            if isinstance(entry, FileEntry):
                self._progress(1, 0)
                if not self._file(reader, entry):
                    self._touched[TouchedPath(snapshot.id, visit.path)] = None
            elif isinstance(entry, SubdirectoryEntry) and entry.id not in self._clean:
                if not visit.is_leaving:
                    counts.append(len(self._touched))
                elif counts.pop() == len(self._touched):
                    self._clean.add(entry.id)

    def _file(self, reader: NodeReader, entry: FileEntry) -> bool:
        """Whether all of a file is there."""
        link = entry.link
        if link.kind is LinkKind.EMPTY or link.id in self._clean:
            return True
        missed: list[DwcpError] = []
        whole = True
        for part in reader.parts(link, missed.append):
            whole = (isinstance(part, ZeroRun) or self._chunk(part)) and whole
        for error in missed:
            self._lost_node(error)
        whole = whole and not missed
        if whole:
            self._clean.add(link.id)
        return whole

    def _chunk(self, part: FilePart) -> bool:
        if part.id in self._bad:
            return False
        try:
            entry = self._store.entry_of(part.id)
        except CorruptIndexError as error:
            self._bad_block(part.id, str(error))
            return False
        if entry is None:
            self._bad_block(part.id, "it is missing: no pack that can be read holds it")
        elif entry.plain_bytes != part.size_bytes:
            self._bad_block(part.id, f"it has {entry.plain_bytes} bytes where a file says {part.size_bytes}")
        return part.id not in self._bad

    def _node(self, node_id: bytes) -> bytes:
        """The bytes of a node; an error that is told apart by the node it is of."""
        try:
            return self._store.get_block(node_id)
        except DwcpError as error:
            raise _UnreadableNode(node_id, error) from error

    def _lost_node(self, error: DwcpError) -> None:
        if isinstance(error, _UnreadableNode):
            self._bad_block(error.node_id, str(error))
        else:
            self._note(FaultKind.BLOCK, "node", str(error))


class _UnreadableNode(CorruptBlockError):  # noqa: N818 - never leaves this module
    """A node that cannot be read, by its id."""

    def __init__(self, node_id: bytes, error: DwcpError) -> None:
        super().__init__(str(error))
        self.node_id = node_id
