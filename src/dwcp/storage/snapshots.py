"""Which snapshots a store keeps: an object each, which holds the snapshot's node."""

import re

from msgspec import Struct

from dwcp.blocks import SnapshotNode, decode_node
from dwcp.codecs import plaintext_id
from dwcp.errors import CorruptBlockError, InputError
from dwcp.storage.backends import Backend

__all__ = ["SNAPSHOTS", "Snapshot", "keep_snapshot", "read_snapshot", "snapshot_ids", "snapshot_object"]

SNAPSHOTS = "snapshots"
"""The folder of names that snapshots have."""
_NAME = re.compile(f"{SNAPSHOTS}/([0-9a-f]{{64}})")


class Snapshot(Struct, frozen=True):
    """A snapshot that is kept.

    Attributes:
        id: of its node, 32 bytes.
        node: the tree, when, where, and its tags.
    """

    id: bytes
    node: SnapshotNode


def snapshot_object(snapshot_id: bytes) -> str:
    """The name of the object that says that a snapshot is kept."""
    return f"{SNAPSHOTS}/{snapshot_id.hex()}"


def snapshot_ids(backend: Backend) -> list[bytes]:
    """Ids of all snapshots, in order."""
    matches = (_NAME.fullmatch(name) for name in backend.names(SNAPSHOTS))
    return [bytes.fromhex(match[1]) for match in matches if match]


def read_snapshot(backend: Backend, snapshot_id: bytes) -> Snapshot:
    """One snapshot.

    Raises:
        ObjectNotFoundError: it is not kept.
        CorruptBlockError: its object is damaged.
    """
    data = backend.get(snapshot_object(snapshot_id))
    if plaintext_id(data) != snapshot_id:
        raise CorruptBlockError(f"{snapshot_object(snapshot_id)} is damaged: it is not what its name says")
    node = decode_node(data)
    if not isinstance(node, SnapshotNode):
        raise CorruptBlockError(f"{snapshot_object(snapshot_id)} is no snapshot")
    return Snapshot(snapshot_id, node)


def keep_snapshot(backend: Backend, node: bytes) -> bytes:
    """Say that a snapshot is kept. All that it leads to is durable already.

    Args:
        backend: of the store.
        node: its bytes.

    Returns:
        Its id.

    Raises:
        InputError: it is no snapshot.
    """
    if not isinstance(decode_node(node), SnapshotNode):
        raise InputError("what is kept as a snapshot must be one")
    snapshot_id = plaintext_id(node)
    backend.put(snapshot_object(snapshot_id), node)
    return snapshot_id
