"""Collection: what no snapshot leads to goes; a pack that is more garbage than not is written anew.

A block is live if a snapshot leads to it, or if a live delta was made against it. Every pack that replaces
another is durable and indexed before the other is removed, so that a crash costs room and nothing else.
"""

from collections.abc import Iterator

from msgspec import Struct

from dwcp.errors import BlockNotFoundError, CorruptBlockError, CorruptPackError, StoreError
from dwcp.storage.block_store import BlockStore
from dwcp.storage.encoding import open_block
from dwcp.storage.packs import PACK_BYTES, PackEntry, StoredKind, pack_object, read_directory
from dwcp.storage.progress import Progress, silent
from dwcp.storage.snapshots import read_snapshot, snapshot_ids
from dwcp.storage.trees import NodeReader, links

__all__ = ["Collected", "collect_garbage", "live_blocks"]


class Collected(Struct, frozen=True):
    """What a collection did, or would do.

    Attributes:
        removed_packs: how many packs were removed.
        removed_blocks: how many blocks went with them: nothing leads to them, or they lie elsewhere too.
        moved_blocks: how many live blocks were copied out of them.
        freed_bytes: by how much the packs together became shorter; negative where they became longer. What
            would be freed is counted in stored blocks, without directories.
    """

    removed_packs: int
    removed_blocks: int
    moved_blocks: int
    freed_bytes: int


def live_blocks(store: BlockStore) -> set[bytes]:
    """Ids of all blocks that must be kept. Takes some 90 bytes of memory each.

    Raises:
        StoreError: a node that leads to others is missing or damaged, so that nobody can tell what is live.
    """
    reader = NodeReader(store.get_block)
    live: set[bytes] = set()
    nodes: list[bytes] = []
    try:
        for snapshot_id in snapshot_ids(store.backend):
            nodes.append(read_snapshot(store.backend, snapshot_id).node.root)
            live.add(snapshot_id)
        while nodes:
            node_id = nodes.pop()
            if node_id in live:
                continue
            live.add(node_id)
            for kind, block_id in links(reader.node(node_id)):
                if kind is StoredKind.NODE:
                    nodes.append(block_id)
                else:
                    live.add(block_id)
    except (BlockNotFoundError, CorruptBlockError) as error:
        raise StoreError(
            f"nothing is collected while it is unknown what must be kept: {error}; run verify, and forget "
            "the snapshots that it names"
        ) from error
    live |= {entry.base for entry in map(store.entry_of, live) if entry is not None and entry.base}
    return live


def collect_garbage(store: BlockStore, is_trial: bool = False, progress: Progress = silent) -> Collected:
    """Remove what no snapshot leads to, but for the little that shares a pack with much that is live.

    Args:
        store: open to write; flushed first.
        is_trial: whether to change nothing, and to say what would be done. Then it may be open to read alone.
        progress: told of the bytes of packs that were looked at.

    Raises:
        StoreError: open to read alone; or a node is missing or damaged; nothing was removed.
        CorruptBlockError: a live block in a pack that is to go is damaged; that pack stays.
        StorageError: the disk is full, fails or may not be written.
    """
    if is_trial:
        return _Collection(store, progress).tried()
    store.check_writer()
    store.flush()
    return _Collection(store, progress).run()


class _Doomed(Struct, frozen=True):
    """A pack that is to go, the blocks to be copied out of it, and what goes with it."""

    pack_id: bytes
    live: list[PackEntry]
    garbage_blocks: int
    garbage_bytes: int


class _Collection:
    """One run: packs are emptied until a whole pack's worth was copied, then those are removed."""

    def __init__(self, store: BlockStore, progress: Progress) -> None:
        self._store = store
        self._progress = progress
        self._live = live_blocks(store)
        self._emptied: list[_Doomed] = []
        self._copied_bytes = 0
        self._moved_blocks = 0
        self._removed_packs = 0
        self._removed_blocks = 0

    def tried(self) -> Collected:
        """What would be done."""
        doomed = list(self._doomed())
        return Collected(
            removed_packs=len(doomed),
            removed_blocks=sum(pack.garbage_blocks for pack in doomed),
            moved_blocks=sum(len(pack.live) for pack in doomed),
            freed_bytes=sum(pack.garbage_bytes for pack in doomed),
        )

    def run(self) -> Collected:
        """Do it."""
        before = self._pack_bytes()
        for pack in self._doomed():
            for entry in pack.live:
                self._move(pack.pack_id, entry)
            self._emptied.append(pack)
            if self._copied_bytes >= PACK_BYTES:
                self._retire()
        self._retire()
        self._forget_gone()
        return Collected(
            removed_packs=self._removed_packs,
            removed_blocks=self._removed_blocks,
            moved_blocks=self._moved_blocks,
            freed_bytes=before - self._pack_bytes(),
        )

    def _doomed(self) -> Iterator[_Doomed]:
        """The packs that have more garbage than live bytes.

        It goes by each pack's own directory: a row that the index has lost costs no block. A pack whose
        directory is damaged stays, for somebody to look at.
        """
        for pack_id in sorted(self._store.packs()):
            try:
                entries = read_directory(self._store.backend, pack_id)
            except CorruptPackError:
                continue
            live = [each for each in entries if each.id in self._live and self._is_needed(pack_id, each.id)]
            stored_bytes = sum(entry.stored_bytes for entry in entries)
            live_bytes = sum(entry.stored_bytes for entry in live)
            if stored_bytes > 2 * live_bytes:
                yield _Doomed(pack_id, live, len(entries) - len(live), stored_bytes - live_bytes)
            self._progress(0, stored_bytes)

    def _is_needed(self, pack_id: bytes, block_id: bytes) -> bool:
        """Whether a block is read from this pack, or would be lost with it."""
        found = self._store.index.find(block_id)
        return found is None or found.pack_id == pack_id or found.pack_id in self._store.gone_packs

    def _move(self, pack_id: bytes, entry: PackEntry) -> None:
        name = pack_object(pack_id)
        try:
            stored = self._store.backend.get(name, entry.offset, entry.stored_bytes)
            open_block(entry, stored, self._store.bases)
        except CorruptBlockError as error:
            raise CorruptBlockError(f"{name} is not collected: {error}; run verify") from error
        self._store.copy_stored(entry, stored)
        self._copied_bytes += entry.stored_bytes
        self._moved_blocks += 1

    def _retire(self) -> None:
        """Remove the packs that were emptied, now that what was live in them is durable elsewhere.

        One that still holds a live block is left: a pack that was just written may be one that was there.
        """
        self._store.flush()
        index = self._store.index
        done = [
            pack
            for pack in self._emptied
            if not any(entry.id in self._live for entry in index.entries_in(pack.pack_id))
        ]
        index.forget_packs(pack.pack_id for pack in done)
        for pack in done:
            self._store.backend.remove(pack_object(pack.pack_id))
        self._removed_packs += len(done)
        self._removed_blocks += sum(pack.garbage_blocks for pack in done)
        self._emptied.clear()
        self._copied_bytes = 0

    def _forget_gone(self) -> None:
        """Forget packs that were gone before, unless something live is missed with them."""
        index = self._store.index
        index.forget_packs(
            [
                pack_id
                for pack_id in self._store.gone_packs
                if not any(entry.id in self._live for entry in index.entries_in(pack_id))
            ]
        )

    def _pack_bytes(self) -> int:
        return sum(self._store.backend.size(pack_object(pack_id)) for pack_id in self._store.packs())
