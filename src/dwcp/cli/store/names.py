"""Names in a store: bytes, from any file system and any host, on a person's screen and for machines."""

import os
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from dwcp.errors import BlockNotFoundError, CorruptBlockError

if TYPE_CHECKING:
    from dwcp.storage import Store

__all__ = ["as_text", "id_text", "path_fields", "shown", "snapshot_and_path", "time_text", "tree_name"]

_ID_DIGITS = 16


def shown(name: bytes) -> str:
    """A name or path that does nothing to a terminal; what is no printable UTF-8 is written as an escape."""
    return "".join(sign if sign.isprintable() else ascii(sign)[1:-1] for sign in as_text(name))


def as_text(name: bytes) -> str:
    """A name or path in JSON; what is no UTF-8 is written as an escape."""
    return name.decode("utf-8", "backslashreplace")


def path_fields(path: bytes) -> dict[str, str]:
    """A path in JSON: as text, and in hexadecimal as well where it is no UTF-8."""
    fields = {"path": as_text(path)}
    try:
        path.decode("utf-8")
    except UnicodeDecodeError:
        fields["path_hex"] = path.hex()
    return fields


def snapshot_and_path(text: str) -> tuple[str, bytes]:
    """What ``SNAPSHOT[:PATH]`` says; slashes at the ends of the path mean nothing."""
    snapshot, _, path = text.partition(":")
    return snapshot, os.fsencode(path).strip(b"/")


def id_text(snapshot_id: bytes) -> str:
    """As much of an id as people are shown."""
    return snapshot_id.hex()[:_ID_DIGITS]


def time_text(time_ns: int) -> str:
    """A time in the local time zone."""
    return datetime.fromtimestamp(time_ns // 10**9, UTC).astimezone().strftime("%Y-%m-%d %H:%M:%S")


def tree_name(store: "Store", tree_id: bytes) -> bytes | None:
    """Name of a tree's one entry; None where there is none, or it cannot be read."""
    try:
        return next((entry.name for entry in store.entries(tree_id)), None)
    except (BlockNotFoundError, CorruptBlockError):
        return None
