"""The store: blocks, and the trees and snapshots that are made of them."""

from collections.abc import Iterator, Sequence
from pathlib import Path

from dwcp.blocks import Entry, SnapshotNode, SubdirectoryEntry, encode_node
from dwcp.storage.block_store import BlockStore
from dwcp.storage.collection import Collected, collect_garbage
from dwcp.storage.packs import StoredKind
from dwcp.storage.progress import Progress, silent
from dwcp.storage.snapshots import (
    Damaged,
    Snapshot,
    find_snapshot,
    keep_snapshot,
    read_snapshots,
    snapshot_object,
)
from dwcp.storage.stats import StoreStats, store_stats
from dwcp.storage.trees import NodeReader, Skip, Visit, put_tree, restore_tree, walk_tree
from dwcp.storage.verification import Verified, verify_store

__all__ = ["Store"]


class Store(BlockStore):
    """A store of trees. Paths in it are bytes: components joined by ``/``, the tree's own name first."""

    def put(
        self,
        path: Path,
        time_ns: int,
        host: str = "",
        tags: Sequence[str] = (),
        skip: Skip | None = None,
        progress: Progress = silent,
    ) -> bytes:
        """Keep a file or folder as it is now. When this returns, it is durable.

        Args:
            path: of what to keep; a symbolic link is kept as one.
            time_ns: when, since 1970.
            host: where.
            tags: in any order.
            skip: told of each path that is left out, and why; None to raise at the first.
            progress: told of what was read; a file that changed meanwhile is read again, and counts again.

        Returns:
            The snapshot's id.

        Raises:
            InputError: there is nothing at the path, or something cannot be read and `skip` is None.
            SourceChangedError: a file changed whenever it was read, and `skip` is None.
            StorageError: the disk is full, fails or may not be written.
        """
        self.check_writer()
        root = put_tree(self, path, skip, progress)
        node = encode_node(SnapshotNode(root, time_ns, host, tuple(sorted(set(tags), key=str.encode))))
        self.put_block(node, StoredKind.NODE)
        self.flush()
        snapshot_id = keep_snapshot(self.backend, node)
        self.hints.save()
        return snapshot_id

    def snapshots(self, damaged: Damaged | None = None) -> list[Snapshot]:
        """All snapshots that are kept, the oldest first; see `read_snapshots`."""
        return read_snapshots(self.backend, damaged)

    def find(self, text: str) -> bytes:
        """Id of the snapshot that somebody means; see `find_snapshot`."""
        return find_snapshot(self.backend, text)

    def forget(self, snapshot_id: bytes) -> None:
        """Keep a snapshot no longer; what it alone led to goes with the next collection.

        Raises:
            StoreError: the store is open to read alone.
            ObjectNotFoundError: there is no such snapshot.
            StorageError: the disk fails or may not be written.
        """
        self.check_writer()
        self.backend.size(snapshot_object(snapshot_id))
        self.backend.remove(snapshot_object(snapshot_id))

    def entries(self, tree_id: bytes, path: bytes = b"") -> Iterator[Entry]:
        """What lies in a folder, in order; of a file or link, itself.

        Args:
            tree_id: of a snapshot, or a root id.
            path: in the tree; empty for its outermost directory, which holds its one entry.

        Raises:
            InputError: there is nothing at the path, or the id is of no tree.
            BlockNotFoundError: a node is not here.
            CorruptBlockError: a node is damaged.
        """
        reader = NodeReader(self.get_block)
        root = reader.root_of(tree_id)
        if not path:
            return reader.entries(root)
        entry = reader.at(root, path)
        return reader.entries(entry.id) if isinstance(entry, SubdirectoryEntry) else iter((entry,))

    def walk(self, tree_id: bytes, path: bytes = b"") -> Iterator[Visit]:
        """Go through a tree, or what lies at a path in it; see `walk_tree`.

        Args:
            tree_id: of a snapshot, or a root id.
            path: in the tree; empty for all of it.

        Raises:
            InputError: there is nothing at the path, or the id is of no tree.
            BlockNotFoundError: a node is not here.
            CorruptBlockError: a node is damaged.
        """
        reader = NodeReader(self.get_block)
        return walk_tree(reader, reader.root_of(tree_id), path=path)

    def restore(
        self,
        tree_id: bytes,
        destination: Path,
        path: bytes = b"",
        skip: Skip | None = None,
        progress: Progress = silent,
    ) -> None:
        """Write a tree, or what lies at a path in it, by its name into a folder; see `restore_tree`.

        Args:
            tree_id: of a snapshot, or a root id.
            destination: a folder; made where it is missing.
            path: in the tree; empty for its one entry.
            skip: told of each path that cannot be restored whole, and why; None to raise at the first.
            progress: told of what was written.

        Raises:
            InputError: there is nothing at the path, or the id is of no tree.
            BlockNotFoundError: a block is not here, and `skip` is None.
            CorruptBlockError: a block is damaged, and `skip` is None; or the tree is not one that may be.
            StorageError: the disk is full, may not be written, or something is in the way.
        """
        root = NodeReader(self.get_block).root_of(tree_id)
        restore_tree(self, root, destination, path, skip, progress)

    def verify(self, read_data: bool = True, progress: Progress = silent) -> Verified:
        """Read everything, and say what is damaged and which files that touches; see `verify_store`."""
        if self.is_writer:
            self.flush()
        return verify_store(self, read_data, progress)

    def collect(self, is_trial: bool = False, progress: Progress = silent) -> Collected:
        """Remove what no snapshot leads to; see `collect_garbage`."""
        return collect_garbage(self, is_trial, progress)

    def stats(self) -> StoreStats:
        """Count what the store holds; see `store_stats`."""
        return store_stats(self)
