"""Spans of sequence numbers: cut, taken from one another, and made of parts."""

from collections.abc import Iterable, Iterator

from dwcp.transfer.protocol import Span
from dwcp.transfer.sending.part import Part

__all__ = ["overlap", "spans_of", "split", "without"]


def spans_of(parts: Iterable[Part]) -> tuple[Span, ...]:
    """The spans of parts that are in order."""
    spans: list[Span] = []
    for part in parts:
        if spans and sum(spans[-1]) == part.first:
            spans[-1] = (spans[-1][0], spans[-1][1] + len(part.lengths))
        else:
            spans.append((part.first, len(part.lengths)))
    return tuple(spans)


def split(spans: Iterable[Span], at: int) -> tuple[list[Span], list[Span]]:
    """Spans below a number, and from it on."""
    below: list[Span] = []
    above: list[Span] = []
    for first, count in spans:
        end = first + count
        if first < at:
            below.append((first, min(end, at) - first))
        if end > at:
            above.append((max(first, at), end - max(first, at)))
    return below, above


def without(spans: Iterable[Span], gone: Iterable[Span]) -> Iterator[Span]:
    """What is left of spans without others; both in ascending order, and so is what is left."""
    holes = iter(gone)
    hole = next(holes, None)
    for first, count in spans:
        end = first + count
        while hole is not None and sum(hole) <= first:
            hole = next(holes, None)
        while hole is not None and hole[0] < end:
            if first < hole[0]:
                yield first, hole[0] - first
            first = sum(hole)
            if first >= end:
                break
            hole = next(holes, None)
        if first < end:
            yield first, end - first


def overlap(span: Span, first: int, end: int) -> bool:
    """Whether a span and a range have a number in common."""
    return span[0] < end and first < span[0] + span[1]
