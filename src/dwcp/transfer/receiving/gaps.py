"""Which part of an old version the missing chunks of a new one probably came from."""

from collections.abc import Iterable, Iterator
from typing import NamedTuple

__all__ = ["Gap", "OldPart", "gaps"]

_MAX_PART_BYTES = 4 * 1024 * 1024
_SLACK_BYTES = 256 * 1024


class OldPart(NamedTuple):
    """One chunk of the new version.

    Attributes:
        number: its sequence number; they follow each other.
        length: plain bytes.
        is_missing: whether it has to come.
        old_at: its offset in the old version; None where it does not lie there.
    """

    number: int
    length: int
    is_missing: bool
    old_at: int | None


class Gap(NamedTuple):
    """Missing chunks that follow each other, and where to look for something similar.

    Attributes:
        first: sequence number of the first.
        chunks: how many.
        begin: offset in the old version.
        end: offset in the old version.
    """

    first: int
    chunks: int
    begin: int
    end: int


def gaps(parts: Iterable[OldPart], begin: int, old_bytes: int) -> Iterator[Gap]:
    """The gaps between what lies in the old version.

    Args:
        parts: chunks of the new version in order, and where each lies in the old one.
        begin: where in the old version the last chunk before these ended; 0 at the file's beginning.
        old_bytes: length of the old version.
    """
    missing: list[OldPart] = []
    for part in parts:
        if part.is_missing:
            missing.append(part)
        elif part.old_at is not None:
            yield from _between(missing, begin, part.old_at)
            missing, begin = [], part.old_at + part.length
    yield from _between(missing, begin, old_bytes)


def _between(missing: list[OldPart], begin: int, end: int) -> Iterator[Gap]:
    """Cut what is missing so that each part, and what of the old version it is held against, is bounded."""
    first = done = length = 0
    for position, part in enumerate(missing):
        if length and length + part.length > _MAX_PART_BYTES:
            yield _gap(missing, first, position, begin + done, length, end)
            first, done, length = position, done + length, 0
        length += part.length
    if length:
        yield _gap(missing, first, len(missing), begin + done, length, end)


def _gap(missing: list[OldPart], first: int, last: int, at: int, length: int, end: int) -> Gap:
    low = max(at - _SLACK_BYTES, 0) if first else at
    return Gap(missing[first].number, last - first, min(low, end), min(at + length + _SLACK_BYTES, end))
