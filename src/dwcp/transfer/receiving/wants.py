"""Telling the sender what is missing: one voice, in order."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from threading import Lock

from dwcp.transfer.protocol import MAX_SKETCHES, MAX_WANT_SPANS, Sketch, Span, Want

__all__ = ["Wants", "spans_of"]

_MAX_DIGEST_BYTES = 1024 * 1024


def spans_of(numbers: Iterable[int]) -> list[Span]:
    """Rising numbers as spans."""
    spans: list[Span] = []
    first = following = -1
    for number in numbers:
        if number != following:
            if following > first:
                spans.append((first, following - first))
            first = number
        following = number + 1
    if following > first:
        spans.append((first, following - first))
    return spans


class Wants:
    """All that is said of chunks, from whatever thread, in an order that never takes anything back.

    A WANT says of every chunk below its `upto` that it is missing or had. So none may be said before those of
    lower numbers, and what proved wrong is named with the `upto` that was said last.
    """

    def __init__(self, on_want: Callable[[Want], None]) -> None:
        """Have said nothing yet.

        Args:
            on_want: takes each; called from any thread, one at a time, and must not wait.
        """
        self._on_want = on_want
        self._upto = 0
        self._lock = Lock()

    def looked_up(self, upto: int, missing: Sequence[Span], sketches: Sequence[Sketch]) -> None:
        """Say what is missing of all chunks up to a number, split so that no message gets too long."""
        with self._lock:
            for part, following, drawn in _parts(upto, missing, sketches):
                self._upto = following
                self._on_want(Want(following, tuple(part), tuple(drawn)))

    def passed(self, upto: int) -> None:
        """Note that all up to a number is wanted without being named."""
        with self._lock:
            self._upto = max(self._upto, upto)

    def again(self, numbers: Iterable[int]) -> None:
        """Say that chunks, which were looked up, are missing after all."""
        spans = spans_of(sorted(numbers))
        with self._lock:
            for begin in range(0, len(spans), MAX_WANT_SPANS):
                self._on_want(Want(self._upto, tuple(spans[begin : begin + MAX_WANT_SPANS])))


def _parts(
    upto: int, missing: Sequence[Span], sketches: Sequence[Sketch]
) -> Iterator[tuple[list[Span], int, list[Sketch]]]:
    """Spans, up to where these were all, and their sketches: each part small enough for one message."""
    part: list[Span] = []
    drawn: list[Sketch] = []
    digest_bytes = 0
    for span, sketch in _cut(missing, sketches):
        more = len(sketch.digests) if sketch else 0
        if part and (
            len(part) == MAX_WANT_SPANS
            or len(drawn) == MAX_SKETCHES
            or digest_bytes + more > _MAX_DIGEST_BYTES
        ):
            yield part, span[0], drawn
            part, drawn, digest_bytes = [], [], 0
        part.append(span)
        drawn += [sketch] if sketch else []
        digest_bytes += more
    yield part, upto, drawn


def _cut(missing: Sequence[Span], sketches: Sequence[Sketch]) -> Iterator[tuple[Span, Sketch | None]]:
    """Spans such that each sketch is for exactly one of them."""
    waiting = list(reversed(sketches))
    for first, count in missing:
        end = first + count
        while waiting and waiting[-1].span[0] < end:
            sketch = waiting.pop()
            if sketch.span[0] > first:
                yield (first, sketch.span[0] - first), None
            yield sketch.span, sketch
            first = sum(sketch.span)
        if first < end:
            yield (first, end - first), None
