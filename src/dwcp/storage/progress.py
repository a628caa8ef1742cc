"""How far a long call has come, told to whoever shows it."""

from collections.abc import Callable

__all__ = ["Progress", "silent"]

Progress = Callable[[int, int], object]
"""Told of how many more files and how many more bytes are done, again and again, by the thread that calls."""


def silent(_files: int, _size_bytes: int) -> None:
    """Tell nobody."""
