"""A folder to receive into, what lies round it, and what has to hold there whatever a sender says."""

import atexit
import os
import shutil
import stat
import tempfile
import threading
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from random import Random

from blake3 import blake3
from tiny_sender import make_tree

from dwcp.blocks import FileBuilder, FileLink, TreeBuilder
from dwcp.errors import InputError
from dwcp.transfer.protocol import (
    Catalogue,
    Chunks,
    Done,
    EndDirectory,
    EndFile,
    EnterDirectory,
    File,
    Keep,
    Message,
    Offer,
    Record,
    Retract,
    Root,
    Symlink,
    Zeros,
)
from dwcp.transfer.receiving import Destination, ReceivingOptions

FAULTS: list[str] = []
"""What ended a thread that nothing should have ended."""
NAME = b"tree"
_FAR_NS = 2**33 * 10**9
"""Times beyond are not kept by every file system."""
_READABLE_BYTES = 1 << 24


def note_fault(what: threading.ExceptHookArgs) -> None:
    """Takes the place of `threading.excepthook`."""
    FAULTS.append(f"{type(what.exc_value).__name__} in {what.thread}: {what.exc_value}")


@cache
def sources() -> tuple[Path, Path]:
    """An old and a new version of a small tree, both called `NAME`; made once a process."""
    top = Path(tempfile.mkdtemp(prefix="dwcp-fuzz-sources-"))
    atexit.register(shutil.rmtree, top, ignore_errors=True)
    old, new = top / "old" / "tree", top / "new" / "tree"
    make_tree(old, Random(3), files=5, most_bytes=3000)
    (old / "image").write_bytes(Random(4).randbytes(9000))
    shutil.copytree(old, new, symlinks=True)
    content = bytearray((new / "image").read_bytes())
    content[4000:4010] = b"0123456789"
    (new / "image").write_bytes(content)
    with (new / "sparse").open("wb") as file:
        file.truncate(1 << 20)
        file.seek(1 << 20)
        file.write(b"after a hole")
    (new / "deep" / "new").write_bytes(b"new" * 50)
    shutil.rmtree(new / "empty directory")
    (new / "empty directory").symlink_to("../../outside")
    return old, new


@dataclass(frozen=True)
class Found:
    """One entry as it lies: what kind, with what of it a transfer keeps."""

    kind: str
    mode: int
    mtime_ns: int
    size_bytes: int = 0
    content: bytes = b""


class World:
    """A temporary folder: ``to`` is received into, and nothing else may change."""

    def __init__(self) -> None:
        self.top = Path(tempfile.mkdtemp(prefix="dwcp-fuzz-"))
        self.folder = self.top / "to"
        outside = self.top / "outside"
        outside.mkdir()
        (outside / "canary").write_bytes(b"sings")
        (outside / "image").write_bytes(b"another")
        self.folder.mkdir()
        (self.folder / "way out").symlink_to("../outside")
        (self.folder / "stranger").write_bytes(b"stays")
        self._around = self._look_around()

    def destination(self) -> Destination:
        """The folder, open."""
        return Destination(self.folder, ReceivingOptions(durable=False), now=0.0)

    def found(self) -> dict[bytes, Found]:
        """All of the folder but what is the receiver's own, by path."""
        return {path: one for path, one in look(self.folder).items() if path.split(b"/")[0] != b".dwcp"}

    def check_around(self) -> None:
        """Nothing outside was written, nor what the sender did not name inside."""
        assert self._look_around() == self._around

    def remove(self) -> None:
        """It is not needed any more."""
        for top, folders, _ in os.walk(self.top):
            for path in (Path(top, name) for name in folders):
                if not path.is_symlink():
                    path.chmod(0o700)
        shutil.rmtree(self.top)

    def _look_around(self) -> dict[bytes, Found]:
        return {path: one for path, one in look(self.top).items() if not path.startswith(b"to")}


def look(folder: Path) -> dict[bytes, Found]:
    """Everything below a folder, by path."""
    found: dict[bytes, Found] = {}

    def add(above: Path) -> None:
        for path in above.iterdir():
            one = found[os.fsencode(path.relative_to(folder))] = _found(path)
            if one.kind == "directory":
                add(path)

    add(folder)
    return found


def _found(path: Path) -> Found:
    told = path.lstat()
    mode = stat.S_IMODE(told.st_mode)
    if stat.S_ISLNK(told.st_mode):
        target = os.readlink(os.fsencode(path))  # noqa: PTH115 - a path would be made plainer
        return Found("link", 0, told.st_mtime_ns, 0, target)
    if stat.S_ISDIR(told.st_mode):
        return Found("directory", mode, told.st_mtime_ns)
    content = path.read_bytes() if told.st_size <= _READABLE_BYTES else b"long"
    return Found("file", mode, told.st_mtime_ns, told.st_size, content)


@dataclass
class Told:
    """What a catalogue says, independently of how a receiver reads it.

    Attributes:
        entries: by path; the content of a file is the ids of its chunks with their lengths, and the lengths
            of its zero runs, without ids.
    """

    entries: dict[bytes, tuple[Record, list[tuple[bytes, int]]]] = field(default_factory=dict)
    chunks: int = 0
    files: int = 0
    plain_bytes: int = 0
    _above: list[bytes] = field(default_factory=list)
    _builder: TreeBuilder = field(default_factory=TreeBuilder)
    _file: tuple[File, FileBuilder, list[tuple[bytes, int]]] | None = None

    @classmethod
    def by(cls, messages: list[Message]) -> "Told":
        """What these messages say.

        Raises:
            InputError: what no tree can be.
        """
        told = cls()
        for message in messages:
            for record in message.records if isinstance(message, Catalogue) else ():
                told.take(record)
        return told

    def root(self) -> Root:
        """What ends such a catalogue."""
        return Root(self._builder.finish(), self.files, self.chunks, self.plain_bytes)

    def take(self, record: Record) -> None:
        """One record more."""
        match record:
            case EnterDirectory():
                self._add(record, [])
                self._above.append(record.name)
                self._builder.enter(record.name, record.mode, record.mtime_ns)
            case EndDirectory():
                if not self._above:
                    raise InputError("no directory to end")
                self._above.pop()
                self._builder.leave()
            case Symlink():
                self._add(record, [])
                self._builder.symlink(record.name, record.target, record.mtime_ns)
            case Keep():
                self._add(record, [])
                link = FileLink.from_bytes(record.content, record.size_bytes)
                self._close(record, link)
            case File():
                self._file = record, FileBuilder(), []
            case _:
                self._take_of_file(record)

    def _take_of_file(self, record: Record) -> None:
        if self._file is None:
            raise InputError("no file has begun")
        file, builder, content = self._file
        match record:
            case Chunks():
                builder.chunks(record.ids, record.lengths)
                self.chunks += len(record.lengths)
                ids = [record.ids[at : at + 32] for at in range(0, len(record.ids), 32)]
                content += zip(ids, record.lengths, strict=True)
            case Zeros():
                builder.zeros(record.length_bytes)
                content.append((b"", record.length_bytes))
            case EndFile():
                self._file = None
                self._add(file, content)
                self._close(file, builder.finish())
            case Retract():
                self._file = None

    def _add(self, record: Record, content: list[tuple[bytes, int]]) -> None:
        self.entries[b"/".join((*self._above, record.name))] = record, content  # type: ignore[union-attr]

    def _close(self, record: File | Keep, link: FileLink) -> None:
        self._builder.file(record.name, record.mode, record.mtime_ns, link)
        self.files += 1
        self.plain_bytes += link.size_bytes


def check_placed(
    messages: list[Message], done: Done, before: dict[bytes, Found], now: dict[bytes, Found]
) -> None:
    """What is in place is what the catalogue says, each byte by its id, and nothing else was touched."""
    offer = next(message for message in messages if isinstance(message, Offer))
    told = Told.by(messages)
    assert told.root().content == done.content
    for path, (record, content) in told.entries.items():
        _check_entry(path, record, content, before, now)
    replaced = {path for path, (record, _) in told.entries.items() if not isinstance(record, EnterDirectory)}
    for path in before.keys() - told.entries.keys():
        if path.split(b"/")[0] != offer.name:
            assert now.get(path) == before[path], path
        elif not offer.delete and not _lies_below(path, replaced):
            assert path in now, path
            assert now[path].content == before[path].content, path
    for path in now.keys() - told.entries.keys():
        assert path in before, path
        assert not offer.delete or path.split(b"/")[0] != offer.name, path


def _lies_below(path: bytes, above: set[bytes]) -> bool:
    parts = path.split(b"/")
    return any(b"/".join(parts[:count]) in above for count in range(1, len(parts)))


def _check_entry(
    path: bytes,
    record: Record,
    content: list[tuple[bytes, int]],
    before: dict[bytes, Found],
    now: dict[bytes, Found],
) -> None:
    found = now[path]
    if abs(record.mtime_ns) < _FAR_NS:  # type: ignore[union-attr]
        assert found.mtime_ns == record.mtime_ns, path  # type: ignore[union-attr]
    match record:
        case EnterDirectory():
            assert (found.kind, found.mode) == ("directory", record.mode & 0o777), path
        case Symlink():
            assert (found.kind, found.content) == ("link", record.target), path
        case Keep():
            assert (found.kind, found.mode) == ("file", record.mode & 0o777), path
            assert found.content == before[path].content, path
        case File():
            assert (found.kind, found.mode) == ("file", record.mode & 0o777), path
            assert found.size_bytes == record.size_bytes, path
            if found.size_bytes <= _READABLE_BYTES:
                _check_content(path, content, found.content)


def _check_content(path: bytes, content: list[tuple[bytes, int]], found: bytes) -> None:
    at = 0
    for block_id, length in content:
        piece = found[at : at + length]
        assert not any(piece) if not block_id else blake3(piece).digest() == block_id, path
        at += length
    assert at == len(found), path
