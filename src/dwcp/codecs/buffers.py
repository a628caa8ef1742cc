"""Bytes as callers hold them, seen without a copy."""

from typing import TypeAlias

from dwcp.errors import InputError

__all__ = ["Buffer", "byte_view"]

Buffer: TypeAlias = bytes | bytearray | memoryview
"""What codecs take: any contiguous run of bytes."""


def byte_view(data: Buffer) -> memoryview:
    """The same memory as a flat view of bytes, nothing copied.

    Raises:
        InputError: the memory is not contiguous.
    """
    try:
        return memoryview(data).cast("B")
    except TypeError as error:
        raise InputError(f"codecs take contiguous bytes, and this buffer is not: {error}") from error
