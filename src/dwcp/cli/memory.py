"""How this process takes memory: the C library's allocator, told once."""

import contextlib
import ctypes

__all__ = ["tune_allocator"]

_TRIM_THRESHOLD, _MMAP_THRESHOLD, _ARENA_MAX = -1, -3, -8
"""``M_TRIM_THRESHOLD``, ``M_MMAP_THRESHOLD`` and ``M_ARENA_MAX`` of glibc's malloc.h."""
_MOST_ARENAS = 2
_KEPT_BYTES = 32 * 1024 * 1024
_MAPPED_BYTES = 32 * 1024 * 1024


def tune_allocator() -> None:
    """Two arenas for all threads, and large buffers that are kept; nothing where the C library is not glibc.

    Else each thread that ever held a large buffer keeps it for itself, which adds up to a hundred megabytes
    over a transfer; and each new one is fresh memory, with a page fault for every 4 KiB of it.
    """
    with contextlib.suppress(OSError, AttributeError):
        mallopt = ctypes.CDLL(None).mallopt
        mallopt(_ARENA_MAX, _MOST_ARENAS)
        mallopt(_MMAP_THRESHOLD, _MAPPED_BYTES)
        mallopt(_TRIM_THRESHOLD, _KEPT_BYTES)
