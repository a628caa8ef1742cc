"""Bundles as they arrive: decoded, cut, verified, written."""

from collections.abc import Iterator, Sequence

from blake3 import blake3

from dwcp.codecs import decode
from dwcp.errors import CodecError, ProtocolError
from dwcp.transfer.protocol import MAX_BUNDLE_CHUNKS, Data
from dwcp.transfer.receiving.chunk_log import ChunkRow
from dwcp.transfer.receiving.ledger import MISSING, REPEAT, Ledger
from dwcp.transfer.receiving.references import ReferenceShelf
from dwcp.transfer.receiving.runs import Cut, joined
from dwcp.transfer.receiving.session_log import SessionLog
from dwcp.transfer.receiving.wants import Wants
from dwcp.transfer.receiving.writer import Writer

__all__ = ["Bundles"]


class Bundles:
    """Takes the bundles of one session, from several threads at once."""

    def __init__(
        self, log: SessionLog, ledger: Ledger, shelf: ReferenceShelf, writer: Writer, wants: Wants
    ) -> None:
        """Have taken none."""
        self._log = log
        self._ledger = ledger
        self._shelf = shelf
        self._writer = writer
        self._wants = wants

    def take(self, data: Data, body: memoryview) -> int:
        """Take a bundle whose chunks are all announced.

        What is not what it should be is asked for again; the rest is written.

        Returns:
            Plain bytes newly verified.

        Raises:
            ProtocolError: it does not fit the catalogue, or a chunk was wrong too often.
            StorageError: it cannot be written.
            OSError: the disk fails.
        """
        rows = self._announced(data, body)
        before = b"".join(self._ledger.claim(data.spans))
        if MISSING not in before and REPEAT not in before:
            return 0
        numbers = [number for first, count in data.spans for number in range(first, first + count)]
        plain = self._plain(data, body)
        if plain is None:
            self._ask_again(
                [n for n, state in zip(numbers, before, strict=True) if state in (MISSING, REPEAT)]
            )
            return 0
        wrong: list[int] = []
        good = _verified(rows, numbers, before, plain, wrong)
        runs = list(joined(good, plain))
        if runs:
            self._writer.put(runs, from_network=True)
        if wrong:
            self._ask_again(wrong)
        return sum(len(run.data) for run in runs)

    def _announced(self, data: Data, body: memoryview) -> list[ChunkRow]:
        """The rows of a bundle's chunks, and that they make what it says it holds."""
        if sum(count for _, count in data.spans) > MAX_BUNDLE_CHUNKS:
            raise ProtocolError(f"bundle {data.number} has more than {MAX_BUNDLE_CHUNKS} chunks")
        end = 0
        for first, count in data.spans:
            if first < end or count < 1:
                raise ProtocolError(f"bundle {data.number} does not name chunks in rising order")
            end = first + count
        if not 0 < end <= self._ledger.known:
            raise ProtocolError(f"bundle {data.number} names chunks that the catalogue does not")
        rows = [row for first, count in data.spans for row in self._log.chunks.read(first, count)]
        plain_bytes = sum(row.length for row in rows)
        if plain_bytes != data.plain_bytes or not (data.framed or len(body) == plain_bytes):
            raise ProtocolError(
                f"bundle {data.number} says it has {data.plain_bytes} bytes; its chunks have {plain_bytes}"
            )
        return rows

    def _plain(self, data: Data, body: memoryview) -> memoryview | None:
        """The plaintexts, one after the other; None where the body does not give them."""
        if not data.framed:
            return body
        try:
            plain = decode(body, data.plain_bytes, references=self._shelf.of(data))
        except CodecError:
            return None
        return memoryview(plain) if len(plain) == data.plain_bytes else None

    def _ask_again(self, numbers: Sequence[int]) -> None:
        self._ledger.wrong(numbers, from_network=True)
        self._wants.again(numbers)


def _verified(
    rows: list[ChunkRow], numbers: list[int], before: bytes, plain: memoryview, wrong: list[int]
) -> Iterator[Cut]:
    """Those of a bundle's chunks that this thread has in hand and that are what they should be."""
    begin = 0
    for number, row, state in zip(numbers, rows, before, strict=True):
        end = begin + row.length
        if state in (MISSING, REPEAT):
            if blake3(plain[begin:end]).digest() == row.id:
                yield Cut(number, row, begin, end)
            else:
                wrong.append(number)
        begin = end
