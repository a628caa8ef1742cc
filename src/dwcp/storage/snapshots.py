"""Which snapshots a store keeps: an object each, which holds the snapshot's node."""

import re
from collections.abc import Callable

from msgspec import Struct

from dwcp.blocks import SnapshotNode, decode_node
from dwcp.codecs import plaintext_id
from dwcp.errors import CorruptBlockError, DwcpError, InputError
from dwcp.storage.backends import Backend

__all__ = [
    "LATEST",
    "SNAPSHOTS",
    "Damaged",
    "Snapshot",
    "find_snapshot",
    "keep_snapshot",
    "read_snapshot",
    "read_snapshots",
    "snapshot_ids",
    "snapshot_object",
]

Damaged = Callable[[bytes, DwcpError], object]
"""Told of a snapshot's id, and of why it cannot be read."""
LATEST = "latest"
"""What the newest snapshot is called."""
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


def read_snapshots(backend: Backend, damaged: Damaged | None = None) -> list[Snapshot]:
    """All snapshots, the oldest first.

    Args:
        backend: of the store.
        damaged: told of those that cannot be read; None to raise.

    Raises:
        CorruptBlockError: one's object is damaged.
    """
    found = []
    for snapshot_id in snapshot_ids(backend):
        try:
            found.append(read_snapshot(backend, snapshot_id))
        except CorruptBlockError as error:
            if damaged is None:
                raise
            damaged(snapshot_id, error)
    return sorted(found, key=lambda snapshot: (snapshot.node.time_ns, snapshot.id))


def find_snapshot(backend: Backend, text: str) -> bytes:
    """Id of the snapshot that somebody means.

    Args:
        backend: of the store.
        text: how its id begins in hexadecimal, or `LATEST`.

    Raises:
        InputError: no snapshot is meant by it, or several are.
        CorruptBlockError: the latest is asked for, and one is damaged.
    """
    if text == LATEST:
        try:
            snapshots = read_snapshots(backend)
        except CorruptBlockError as error:
            raise CorruptBlockError(
                f"{error}; which is the latest is unknown, give its id instead"
            ) from error
        if not snapshots:
            raise InputError(f"there is no snapshot in {backend.shown} yet; put something first")
        return snapshots[-1].id
    found = [each for each in snapshot_ids(backend) if text and each.hex().startswith(text.lower())]
    if not found:
        raise InputError(f"no snapshot in {backend.shown} begins with {text!r}; list them, or say {LATEST}")
    if len(found) > 1:
        ids = ", ".join(snapshot_id.hex()[:16] for snapshot_id in found[:3])
        raise InputError(f"{len(found)} snapshots begin with {text!r}: {ids}; give more of the one you mean")
    return found[0]


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
