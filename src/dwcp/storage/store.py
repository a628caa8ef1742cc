"""The store: blocks, and the trees and snapshots that are made of them."""

from collections.abc import Iterator, Sequence
from pathlib import Path

from dwcp.blocks import Entry, SnapshotNode, SubdirectoryEntry, encode_node
from dwcp.errors import InputError
from dwcp.storage.block_store import BlockStore
from dwcp.storage.collection import Collected, collect_garbage
from dwcp.storage.packs import StoredKind
from dwcp.storage.snapshots import Snapshot, keep_snapshot, read_snapshot, snapshot_ids, snapshot_object
from dwcp.storage.stats import StoreStats, store_stats
from dwcp.storage.trees import NodeReader, Skip, put_tree, restore_tree
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
    ) -> bytes:
        """Keep a file or folder as it is now. When this returns, it is durable.

        Args:
            path: of what to keep; a symbolic link is kept as one.
            time_ns: when, since 1970.
            host: where.
            tags: in any order.
            skip: told of each path that is left out, and why; None to raise at the first.

        Returns:
            The snapshot's id.

        Raises:
            InputError: there is nothing at the path, or something cannot be read and `skip` is None.
            SourceChangedError: a file changed whenever it was read, and `skip` is None.
            StorageError: the disk is full, fails or may not be written.
        """
        self.check_writer()
        root = put_tree(self, path, skip)
        node = encode_node(SnapshotNode(root, time_ns, host, tuple(sorted(set(tags), key=str.encode))))
        self.put_block(node, StoredKind.NODE)
        self.flush()
        return keep_snapshot(self.backend, node)

    def snapshots(self) -> list[Snapshot]:
        """All snapshots that are kept, the oldest first.

        Raises:
            CorruptBlockError: one's object is damaged.
        """
        found = [read_snapshot(self.backend, snapshot_id) for snapshot_id in snapshot_ids(self.backend)]
        return sorted(found, key=lambda snapshot: (snapshot.node.time_ns, snapshot.id))

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
        directory_id = reader.root_of(tree_id)
        names = path.split(b"/") if path else []
        for position, name in enumerate(names):
            entry = reader.find(directory_id, name)
            is_last = position == len(names) - 1
            if isinstance(entry, SubdirectoryEntry):
                directory_id = entry.id
            elif entry is not None and is_last:
                return iter((entry,))
            else:
                shown = path.decode("utf-8", "backslashreplace")
                raise InputError(f"there is nothing at {shown} in this tree; list what lies above it")
        return reader.entries(directory_id)

    def restore(self, tree_id: bytes, destination: Path) -> None:
        """Write a tree's one entry, by its name, into a folder; see `restore_tree`.

        Args:
            tree_id: of a snapshot, or a root id.
            destination: a folder; made where it is missing.

        Raises:
            InputError: the id is of no tree.
            BlockNotFoundError: a block is not here.
            CorruptBlockError: a block is damaged, or the tree is not one that may be.
            StorageError: the disk is full, may not be written, or something is in the way.
        """
        restore_tree(self, NodeReader(self.get_block).root_of(tree_id), destination)

    def verify(self, read_data: bool = True) -> Verified:
        """Read everything, and say what is damaged and which files that touches; see `verify_store`."""
        if self.is_writer:
            self.flush()
        return verify_store(self, read_data)

    def collect(self) -> Collected:
        """Remove what no snapshot leads to; see `collect_garbage`."""
        return collect_garbage(self)

    def stats(self) -> StoreStats:
        """Count what the store holds; see `store_stats`."""
        return store_stats(self)
