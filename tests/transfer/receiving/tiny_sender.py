"""A sender just large enough to drive a receiver: reads a tree into memory, and answers what is wanted."""

import os
import queue
import random
import stat
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from threading import Thread

import xxhash
from blake3 import blake3

from dwcp.blocks import Chunking, DataPiece, FileBuilder, FileLink, TreeBuilder, cut_pieces
from dwcp.codecs import Delta, Reference, Zstd
from dwcp.errors import DwcpError
from dwcp.transfer.protocol import (
    Chunks,
    Data,
    Done,
    EndDirectory,
    EndFile,
    EnterDirectory,
    File,
    Keep,
    Listed,
    Offer,
    Record,
    Root,
    Sketch,
    Symlink,
    Want,
    Zeros,
)
from dwcp.transfer.receiving import PIECES, Destination, Incoming

SMALL = Chunking(64, 256, 1024)
KEY = bytes(range(16))
NOW = 1000.0
_WAIT_S = 0.02
_ROUNDS = 1500


@dataclass
class TinySender:
    """Reads a tree at once; what `records` gives next is what the catalogue says."""

    source: Path
    chunking: Chunking = SMALL
    mode: str = "send"
    delete: bool = False
    checksum: bool = False
    name: bytes | None = None
    key: bytes = KEY
    listed: dict[tuple[bytes, ...], Listed] = field(default_factory=dict)
    chunks: list[bytes] = field(default_factory=list)
    ids: list[bytes] = field(default_factory=list)
    files: int = 0
    plain_bytes: int = 0
    kept: int = 0

    def offer(self, total_bytes: int | None = None) -> Offer:
        sizes = self.chunking.min_bytes, self.chunking.avg_bytes, self.chunking.max_bytes
        return Offer(self.root_name, self.mode, self.delete, self.checksum, sizes, self.key, total_bytes)

    @property
    def root_name(self) -> bytes:
        return self.name or os.fsencode(self.source.name)

    def records(self) -> list[Record]:
        self._builder = TreeBuilder()
        return list(self._walk(os.fsencode(self.source), self.root_name, ()))

    def root(self) -> Root:
        return Root(self._builder.finish(), self.files, len(self.chunks), self.plain_bytes)

    def _walk(self, path: bytes, name: bytes, below: tuple[bytes, ...]) -> Iterator[Record]:
        told = os.lstat(path)
        mode, mtime_ns = stat.S_IMODE(told.st_mode), told.st_mtime_ns
        if stat.S_ISLNK(told.st_mode):
            target = os.readlink(path)  # noqa: PTH115 - as bytes
            self._builder.symlink(name, target, mtime_ns)
            yield Symlink(name, target, mtime_ns)
        elif stat.S_ISDIR(told.st_mode):
            self._builder.enter(name, mode, mtime_ns)
            yield EnterDirectory(name, mode, mtime_ns)
            for inner in sorted(os.listdir(path)):  # noqa: PTH208 - as bytes
                yield from self._walk(path + b"/" + inner, inner, (*below, inner))
            self._builder.leave()
            yield EndDirectory()
        elif stat.S_ISREG(told.st_mode):
            yield from self._file(path, name, below, told)

    def _file(
        self, path: bytes, name: bytes, below: tuple[bytes, ...], told: os.stat_result
    ) -> Iterator[Record]:
        mode, mtime_ns, size = stat.S_IMODE(told.st_mode), told.st_mtime_ns, told.st_size
        self.files += 1
        self.plain_bytes += size
        known = self.listed.get(below)
        if known and (known.size_bytes, known.mtime_ns) == (size, mtime_ns):
            self.kept += 1
            self._builder.file(name, mode, mtime_ns, FileLink.from_bytes(known.content, size))
            yield Keep(name, mode, mtime_ns, size, known.content)
            return
        yield File(name, mode, mtime_ns, size)
        builder = FileBuilder()
        yield from self.content(Path(os.fsdecode(path)).read_bytes(), builder)
        self._builder.file(name, mode, mtime_ns, builder.finish())
        yield EndFile()

    def content(self, data: bytes, builder: FileBuilder) -> Iterator[Record]:
        for piece in cut_pieces(data, self.chunking):
            if isinstance(piece, DataPiece):
                builder.chunks(b"".join(piece.ids), piece.lengths)
                yield Chunks(b"".join(piece.ids), tuple(piece.lengths))
                begin = 0
                for length in piece.lengths:
                    self.chunks.append(bytes(piece.data[begin : begin + length]))
                    begin += length
                self.ids += piece.ids
            else:
                builder.zeros(piece.length_bytes)
                yield Zeros(piece.length_bytes)


Damage = Callable[[Data, bytes], tuple[Data, bytes]]


@dataclass
class Exchange:
    """One session between a `TinySender` and a destination, in memory."""

    sender: TinySender
    destination: Destination
    rng: random.Random = field(default_factory=lambda: random.Random(1))
    batch: int = 7
    bundle_chunks: int = 5
    threads: int = 0
    framed: bool = True
    damage: Damage | None = None
    delta: bool = False
    stop_after_bundles: int | None = None
    wants: list[Want] = field(default_factory=list)
    sent: list[int] = field(default_factory=list)
    sent_bytes: int = 0
    stored_bytes: int = 0
    deltas: int = 0
    bundles: int = 0
    sketches: list[Sketch] = field(default_factory=list)
    _queue: "queue.SimpleQueue[Want]" = field(default_factory=queue.SimpleQueue)

    def begin(self) -> Incoming:
        self.incoming = self.destination.begin(self.sender.offer(), self._queue.put)
        if self.incoming.has_listing and self.sender.mode == "sync" and not self.sender.checksum:
            last = False
            while not last:
                page = self.incoming.listing(3)
                self.sender.listed.update({entry.path: entry for entry in page.entries})
                last = page.last
        return self.incoming

    def run(self) -> Done:
        """The whole session, from the offer to the commit."""
        self.begin()
        self.catalogue()
        self.finish()
        return self.commit()

    def commit(self) -> Done:
        done = self.incoming.commit()
        self.destination.settle()
        return done

    def catalogue(self) -> None:
        """All records and the root; data goes on the way meanwhile."""
        records = self.sender.records()
        announced: set[bytes] = set()
        known = 0
        waiting: list[int] = []
        for begin in range(0, len(records), self.batch):
            some = records[begin : begin + self.batch]
            self.incoming.take_records(some)
            count = sum(len(record.lengths) for record in some if isinstance(record, Chunks))
            if self.incoming.has_nothing:
                for number in range(known, known + count):
                    if self.sender.ids[number] not in announced:
                        announced.add(self.sender.ids[number])
                        waiting.append(number)
            known += count
            waiting += self.answer()
            waiting = self._send_some(waiting)
        self.incoming.root(self.sender.root())
        self._send(waiting)

    def finish(self) -> None:
        """Send what is still wanted until everything is there."""
        for _ in range(_ROUNDS):
            if self.incoming.wait_complete(_WAIT_S):
                return
            self._send(self.answer())
        raise AssertionError("the session does not come to its end")

    def answer(self) -> list[int]:
        numbers: list[int] = []
        while not self._queue.empty():
            want = self._queue.get()
            self.wants.append(want)
            if self.delta:
                self.sketches += want.sketches
            numbers += [number for first, count in want.missing for number in range(first, first + count)]
        return numbers

    def _send_some(self, waiting: list[int]) -> list[int]:
        if self.rng.random() < 0.5:
            return waiting
        self._send(waiting)
        return []

    def _send(self, numbers: list[int]) -> None:
        numbers = sorted(set(numbers))
        for sketch in self.sketches:
            self.take(*self.delta_bundle(sketch))
            numbers = [each for each in numbers if not sketch.span[0] <= each < sum(sketch.span)]
        self.sketches.clear()
        parts = [numbers[at : at + self.bundle_chunks] for at in range(0, len(numbers), self.bundle_chunks)]
        self.rng.shuffle(parts)
        bundles = [self.bundle(part) for part in parts]
        if self.threads:
            self._send_in_threads(bundles)
        else:
            for data, body in bundles:
                self.take(data, body)

    def _send_in_threads(self, bundles: list[tuple[Data, bytes]]) -> None:
        waiting: queue.SimpleQueue[tuple[Data, bytes]] = queue.SimpleQueue()
        for bundle in bundles:
            waiting.put(bundle)
        errors: list[BaseException] = []

        def work() -> None:
            try:
                while True:
                    self.take(*waiting.get_nowait())
            except queue.Empty:
                pass
            except (DwcpError, Interrupted) as error:
                errors.append(error)

        threads = [Thread(target=work) for _ in range(self.threads)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        if errors:
            raise errors[0]

    def take(self, data: Data, body: bytes) -> None:
        if self.stop_after_bundles is not None and self.bundles >= self.stop_after_bundles:
            raise Interrupted
        self.bundles += 1
        self.stored_bytes += len(body)
        if self.damage is not None:
            data, body = self.damage(data, body)
        self.incoming.wait_known(sum(data.spans[-1]), 10)
        self.incoming.take_bundle(data, memoryview(body))

    def bundle(self, numbers: list[int]) -> tuple[Data, bytes]:
        self.sent += numbers
        plain = b"".join(self.sender.chunks[number] for number in numbers)
        self.sent_bytes += len(plain)
        body = Zstd(1).encode(plain) if self.framed else plain
        spans: list[tuple[int, int]] = []
        for number in numbers:
            if spans and sum(spans[-1]) == number:
                spans[-1] = spans[-1][0], spans[-1][1] + 1
            else:
                spans.append((number, 1))
        return Data(self.bundles + len(self.sent), tuple(spans), len(plain), self.framed), body

    def delta_bundle(self, sketch: Sketch) -> tuple[Data, bytes]:
        """The chunks of a sketch against those of its pieces that they have as well."""
        first, count = sketch.span
        plain = b"".join(self.sender.chunks[first : first + count])
        theirs = [sketch.digests[at : at + 8] for at in range(0, len(sketch.digests), 8)]
        ours = {xxhash.xxh3_64_intdigest(piece).to_bytes(8, "little"): piece for piece in pieces(plain)}
        matched = bytearray((len(theirs) + 7) // 8)
        reference = b""
        for each, digest in enumerate(theirs):
            if digest in ours:
                matched[each >> 3] |= 1 << (each & 7)
                reference += ours[digest]
        self.sent += range(first, first + count)
        self.sent_bytes += len(plain)
        number = self.bundles + len(self.sent)
        if len(reference) < 8:
            return Data(number, (sketch.span,), len(plain), True), Zstd(1).encode(plain)
        self.deltas += 1
        body = Delta(3).encode(plain, Reference.of(reference))
        return Data(number, (sketch.span,), len(plain), True, (), sketch.number, bytes(matched)), body


def pieces(plain: bytes) -> Iterator[bytes]:
    """A plaintext, cut as sketches are."""
    begin = 0
    for length in PIECES.pieces(plain):
        yield plain[begin : begin + length]
        begin += length


class Interrupted(Exception):  # noqa: N818 - it is no error
    """The connection is cut."""


def snapshot(path: Path) -> dict[bytes, tuple[object, ...]]:
    """Everything of a tree that a transfer keeps."""
    found: dict[bytes, tuple[object, ...]] = {}

    def add(path: bytes, below: bytes) -> None:
        told = os.lstat(path)
        if stat.S_ISLNK(told.st_mode):
            found[below] = ("link", Path(os.fsdecode(path)).readlink(), told.st_mtime_ns)
        elif stat.S_ISDIR(told.st_mode):
            found[below] = ("directory", stat.S_IMODE(told.st_mode) & 0o777, told.st_mtime_ns)
            for name in os.listdir(path):  # noqa: PTH208 - as bytes
                add(path + b"/" + name, below + b"/" + name)
        else:
            digest = blake3(Path(os.fsdecode(path)).read_bytes()).hexdigest()
            found[below] = (
                "file",
                stat.S_IMODE(told.st_mode) & 0o777,
                told.st_mtime_ns,
                told.st_size,
                digest,
            )

    add(os.fsencode(path), b"")
    return found


def make_tree(root: Path, rng: random.Random, files: int = 12, most_bytes: int = 6000) -> Path:
    """A small tree with most of what trees have."""
    root.mkdir(parents=True)
    (root / "empty directory").mkdir()
    (root / "empty").touch()
    (root / "deep" / "er" / "still").mkdir(parents=True)
    for number in range(files):
        where = rng.choice([root, root / "deep", root / "deep" / "er", root / "deep" / "er" / "still"])
        file = where / f"file {number}"
        file.write_bytes(rng.randbytes(rng.randrange(most_bytes)))
        file.chmod(rng.choice([0o600, 0o644, 0o755, 0o444]))
        os.utime(file, ns=(0, rng.randrange(10**18)))
    (root / "twice").write_bytes(b"the same text, " * 300)
    (root / "thrice").write_bytes(b"the same text, " * 300)
    (root / "link").symlink_to("deep/er")
    (root / "dangling").symlink_to("nowhere")
    os.utime(root / "link", ns=(0, 10**17), follow_symlinks=False)
    for directory in (root / "deep" / "er", root / "deep", root / "empty directory", root):
        os.utime(directory, ns=(0, rng.randrange(10**18)))
    return root
