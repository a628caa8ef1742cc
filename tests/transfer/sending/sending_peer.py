"""A receiver in memory, all that the tests of the sender need, and a link that does what it is told."""

import os
import threading
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from random import Random

import xxhash

from dwcp.blocks import Chunking, FileBuilder, FileLink, TreeBuilder
from dwcp.codecs import ReferenceStore, decode, plaintext_id
from dwcp.errors import CodecError
from dwcp.tasks.compression.contract import Link
from dwcp.transfer.protocol import (
    Accept,
    Catalogue,
    Chunks,
    EndDirectory,
    EndFile,
    EnterDirectory,
    File,
    Keep,
    Listed,
    Listing,
    Record,
    Retract,
    Root,
    Sketch,
    Span,
    Symlink,
    Want,
    Zeros,
)
from dwcp.transfer.sending import Bundle, Outgoing, SendingOptions
from dwcp.transfer.sending.sketches import SKETCH_CHUNKING

MIB = 1024 * 1024
Path_ = tuple[bytes, ...]
OPENED: list[Outgoing] = []
"""Senders to be closed after a test."""


def words(size: int, seed: int = 1) -> bytes:
    """Text that compresses to about a third."""
    rng = Random(seed)
    vocabulary = ["".join(rng.choices("etaoinshrdlucm", k=rng.randint(2, 9))) for _ in range(2000)]
    text = bytearray()
    while len(text) < size:
        text += (" ".join(rng.choices(vocabulary, k=2000)) + "\n").encode()
    return bytes(text[:size])


def noise(size: int, seed: int = 1) -> bytes:
    """Bytes that don't compress."""
    return Random(seed).randbytes(size)


@dataclass
class FakeLink:
    """A link that says what it is told to say."""

    mbps: float = 100.0
    cpu_workers: int = 1
    is_starved: bool = True
    ready: int = 0

    def link(self) -> Link:
        return Link(self.mbps)

    def streams(self) -> int:
        return 2

    def ready_bytes(self) -> int:
        return self.ready

    def starved(self) -> bool:
        return self.is_starved


@dataclass
class _FileState:
    path: Path_
    record: File
    builder: FileBuilder = field(default_factory=FileBuilder)
    numbers: list[int] = field(default_factory=list)
    layout: list[int] = field(default_factory=list)
    """Sequence numbers of chunks; -n for a zero run of n bytes."""


class Receiver:
    """Takes a catalogue and bundles, verifies, names what is wrong, and gives files back.

    Args:
        has_nothing: asks for nothing.
        known: contents that are here, by id.
        old: older versions of files, by path from the root down, to make sketches of.
        listed: what is listed.
    """

    def __init__(
        self,
        *,
        has_nothing: bool = True,
        known: dict[bytes, bytes] | None = None,
        old: dict[Path_, bytes] | None = None,
        listed: Sequence[Listed] = (),
    ) -> None:
        self.has_nothing = has_nothing
        self.content: dict[bytes, bytes] = dict(known or {})
        self.old = dict(old or {})
        self.listed = sorted(listed, key=lambda entry: entry.path)
        self.chunks: list[tuple[bytes, int]] = []
        self.files: dict[Path_, _FileState] = {}
        self.kept: dict[Path_, Keep] = {}
        self.links: dict[Path_, bytes] = {}
        self.directories: list[Path_] = []
        self.records: list[Record] = []
        self.root: Root | None = None
        self.bundles: list[Bundle] = []
        self.again: list[int] = []
        self.retracted = 0
        self.corrupt: Callable[[int], bool] = lambda _: False
        self.lose: Callable[[Bundle], bool] = lambda _: False
        self._asked: set[bytes] = set()
        self._path: list[bytes] = []
        self._open: _FileState | None = None
        self._tree = TreeBuilder()
        self._sketches: dict[int, list[bytes]] = {}
        self._answered = 0
        self._lock = threading.RLock()

    def accept(self) -> Accept:
        return Accept(b"t" * 32, self.has_nothing, bool(self.listed), 64 * MIB, 8)

    def listing(self) -> Iterator[Listing]:
        """Pages of two entries."""
        for begin in range(0, len(self.listed), 2):
            yield Listing(tuple(self.listed[begin : begin + 2]), begin + 2 >= len(self.listed))

    def take(self, message: Catalogue | Root) -> Want | None:
        with self._lock:
            if isinstance(message, Root):
                self.root = message
                return None
            begin = len(self.chunks)
            for record in message.records:
                self.records.append(record)
                self._take_record(record)
            return None if self.has_nothing else self._want(begin)

    def _take_record(self, record: Record) -> None:
        match record:
            case EnterDirectory(name, mode, mtime_ns):
                self._path.append(name)
                self.directories.append(self._below())
                self._tree.enter(name, mode, mtime_ns)
            case EndDirectory():
                self._path.pop()
                self._tree.leave()
            case Keep(name, mode, mtime_ns, size, content):
                self._tree.file(name, mode, mtime_ns, FileLink.from_bytes(content, size))
                self.kept[self._below(name)] = record
            case Symlink(name, target, mtime_ns):
                self._tree.symlink(name, target, mtime_ns)
                self.links[self._below(name)] = target
            case _:
                self._take_of_file(record)

    def _take_of_file(self, record: Record) -> None:
        match record:
            case File(name):
                self._open = _FileState(self._below(name), record)
            case Chunks(ids, lengths):
                state = self._opened()
                state.builder.chunks(ids, lengths)
                for place, length in enumerate(lengths):
                    state.layout.append(len(self.chunks))
                    state.numbers.append(len(self.chunks))
                    self.chunks.append((ids[32 * place : 32 * place + 32], length))
            case Zeros(length):
                self._opened().builder.zeros(length)
                self._opened().layout.append(-length)
            case EndFile():
                state = self._opened()
                told = state.record
                self._tree.file(told.name, told.mode, told.mtime_ns, state.builder.finish())
                self.files[state.path] = state
                self._open = None
            case Retract():
                self._opened()
                self._open = None
                self.retracted += 1

    def _want(self, begin: int) -> Want:
        missing: list[Span] = []
        for number in range(begin, len(self.chunks)):
            chunk_id = self.chunks[number][0]
            if chunk_id in self.content or chunk_id in self._asked:
                continue
            self._asked.add(chunk_id)
            if missing and sum(missing[-1]) == number:
                missing[-1] = (missing[-1][0], missing[-1][1] + 1)
            else:
                missing.append((number, 1))
        sketches = [sketch for span in missing if (sketch := self._sketch(span)) is not None]
        self._answered = len(self.chunks)
        return Want(len(self.chunks), tuple(missing), tuple(sketches))

    def _sketch(self, span: Span) -> Sketch | None:
        states = [*self.files.values(), *([self._open] if self._open else [])]
        state = next((one for one in states if span[0] in one.numbers and sum(span) - 1 in one.numbers), None)
        old = None if state is None else self.old.get(state.path)
        if old is None:
            return None
        pieces, begin = [], 0
        for length in SKETCH_CHUNKING.pieces(old):
            pieces.append(old[begin : begin + length])
            begin += length
        number = len(self._sketches)
        self._sketches[number] = pieces
        digests = b"".join(xxhash.xxh3_64_intdigest(piece).to_bytes(8, "little") for piece in pieces)
        return Sketch(number, span, digests)

    def take_bundle(self, bundle: Bundle) -> list[int]:
        """Verify; returns the numbers of chunks that are wrong."""
        data = bundle.data
        assert bundle.stored_bytes == sum(map(len, bundle.body))
        numbers = [number for first, count in data.spans for number in range(first, first + count)]
        assert numbers == sorted(set(numbers))
        with self._lock:
            self.bundles.append(bundle)
            plain = self._plain(bundle)
            wrong, begin = [], 0
            for number in numbers:
                chunk_id, length = self.chunks[number]
                chunk = plain[begin : begin + length] if plain is not None else b""
                begin += length
                if plaintext_id(chunk) == chunk_id and not self.corrupt(number):
                    self.content[chunk_id] = chunk
                else:
                    wrong.append(number)
            assert begin == data.plain_bytes
            self.again += wrong
        return wrong

    def _plain(self, bundle: Bundle) -> bytes | None:
        data, body = bundle.data, b"".join(bundle.body)
        if not data.framed:
            assert len(body) == data.plain_bytes
            return body
        store = ReferenceStore(64 * MIB)
        try:
            if data.sketch is not None:
                store.add(b"".join(self._matched(data.sketch, data.matched)))
            elif data.reference:
                store.add(b"".join(self.content[chunk_id] for chunk_id in data.reference))
            return decode(body, 8 * MIB, store)
        except (CodecError, KeyError):
            return None

    def _matched(self, sketch: int, bits: bytes) -> list[bytes]:
        pieces = self._sketches[sketch]
        assert len(bits) == (len(pieces) + 7) // 8
        return [piece for place, piece in enumerate(pieces) if bits[place >> 3] >> (place & 7) & 1]

    def missing(self) -> list[int]:
        """Chunks that are named by files and not here."""
        numbers = {number for state in self.files.values() for number in state.numbers}
        return sorted(number for number in numbers if self.chunks[number][0] not in self.content)

    def plain_of(self, path: Path_) -> bytes:
        """A file, put together."""
        layout = self.files[path].layout
        return b"".join(bytes(-one) if one < 0 else self.content[self.chunks[one][0]] for one in layout)

    def check_root(self) -> None:
        assert self.root is not None
        assert self.root.content == self._tree.finish()
        assert self.root.files == len(self.files) + len(self.kept)
        assert self.root.chunks == len(self.chunks)

    def check_against(self, source: Path) -> None:
        """Every file, link and directory is as it is on disk."""
        self.check_root()
        found: set[Path_] = set()
        for path in [source, *source.rglob("*")] if not source.is_symlink() else ():
            below = tuple(os.fsencode(part) for part in path.relative_to(source).parts)
            if path.is_symlink():
                assert self.links[below] == os.fsencode(path.readlink())
            elif path.is_dir():
                assert below in self.directories
            elif path.is_file() and below not in self.kept:
                found.add(below)
                assert self.plain_of(below) == path.read_bytes()
        assert set(self.files) == found

    def _below(self, name: bytes | None = None) -> Path_:
        whole = (*self._path, *([] if name is None else [name]))
        return tuple(whole[1:])

    def _opened(self) -> _FileState:
        assert self._open is not None
        return self._open


def outgoing_of(
    source: Path,
    options: SendingOptions | None = None,
    link: FakeLink | None = None,
    **more: object,
) -> Outgoing:
    """A sender with what is usual."""
    settings: dict[str, object] = {"advisor": None, "recorder": None} | more
    outgoing = Outgoing(source, options or SendingOptions(), link=link or FakeLink(), **settings)  # type: ignore[arg-type]
    OPENED.append(outgoing)
    return outgoing


def drain(outgoing: Outgoing, receiver: Receiver) -> int:
    """Let the receiver take every bundle there is now; returns how many."""
    count = 0
    while (bundle := outgoing.next_bundle(0)) is not None:
        count += 1
        assert count < 100_000, "the sender does not come to an end"
        if receiver.lose(bundle):
            outgoing.lost([bundle.data.number])
            continue
        wrong = receiver.take_bundle(bundle)
        if wrong:
            outgoing.take_want(Want(receiver._answered, tuple((number, 1) for number in wrong)))
        outgoing.take_ack([bundle.data.number])
    return count


def run(outgoing: Outgoing, receiver: Receiver) -> None:
    """A whole session in one thread, up to the last byte."""
    outgoing.offer()
    outgoing.accepted(receiver.accept())
    pages = receiver.listing()
    for message in outgoing.batches(lambda: next(pages)):
        want = receiver.take(message)
        if want is not None:
            outgoing.take_want(want)
        drain(outgoing, receiver)
    drain(outgoing, receiver)
    for _ in range(20):
        missing = receiver.missing()
        if not missing:
            break
        outgoing.take_want(Want(receiver._answered, tuple((number, 1) for number in missing)))
        drain(outgoing, receiver)
    assert outgoing.is_done
    outgoing.close()


def send(
    source: Path, receiver: Receiver | None = None, options: SendingOptions | None = None, **more: object
) -> Receiver:
    """Send a source to a receiver and hold what came against the disk."""
    receiver = receiver or Receiver()
    link = more.pop("link", None)
    outgoing = outgoing_of(source, options, link, **more)  # type: ignore[arg-type]
    run(outgoing, receiver)
    receiver.check_against(source)
    return receiver


def small_chunking() -> Chunking:
    """Chunks of about a kilobyte, to have many of them."""
    return Chunking(256, 1024, 4096)
