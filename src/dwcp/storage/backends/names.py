"""Names of objects: what every backend can spell, a file system as well as a bucket."""

import re

from dwcp.codecs import Buffer
from dwcp.errors import InputError

__all__ = ["MAX_OBJECT_NAME_BYTES", "check_object_name", "check_range", "is_object_name", "under", "window"]

MAX_OBJECT_NAME_BYTES = 255
"""Longest name of an object."""
_NAME = re.compile("[a-z0-9-]+(?:/[a-z0-9-]+)*")


def is_object_name(name: str) -> bool:
    """Whether a text names an object: words of ``a-z``, ``0-9`` and ``-``, joined by single slashes."""
    return len(name) <= MAX_OBJECT_NAME_BYTES and _NAME.fullmatch(name) is not None


def check_object_name(name: str) -> None:
    """Refuse what names no object.

    Raises:
        InputError: it has anything else in it than lower-case words joined by slashes, or is too long.
    """
    if not is_object_name(name):
        raise InputError(
            f"an object is named by words of a-z, 0-9 and - joined by slashes, at most "
            f"{MAX_OBJECT_NAME_BYTES} characters; {name!r} is no such name"
        )


def check_range(offset: int, length: int | None) -> None:
    """Refuse a part of an object that cannot be.

    Raises:
        InputError: the offset or the length is negative.
    """
    if offset < 0 or (length is not None and length < 0):
        raise InputError(
            f"a part of an object has an offset and a length of at least 0, not {offset}, {length}"
        )


def window(data: Buffer, offset: int, length: int | None) -> bytes:
    """What an object in memory gives for an offset and a length: fewer bytes only at its end."""
    return bytes(data[offset : None if length is None else offset + length])


def under(name: str, prefix: str) -> bool:
    """Whether an object lies in a folder of names; all lie in the folder ``""``."""
    return not prefix or name.startswith(f"{prefix}/")
