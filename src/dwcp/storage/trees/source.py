"""Putting a file or folder into a store, symbolic links as what they are and never followed."""

import os
import stat
from collections.abc import Callable, Iterator
from pathlib import Path

from msgspec import Struct

from dwcp.blocks import DataPiece, FileBuilder, FileLink, TreeBuilder, read_pieces
from dwcp.errors import InputError, SourceChangedError
from dwcp.storage.block_store import BlockStore
from dwcp.storage.chunks import ChunkWriter
from dwcp.storage.packs import StoredKind
from dwcp.storage.progress import Progress, silent

__all__ = ["Skip", "put_tree"]

Skip = Callable[[bytes, str], object]
"""Told of a path that is left out, below the folder that the tree lies in, and why."""
_FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
_FILE = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
_TRIES = 3


class _Level(Struct):
    """A directory that is being gone through."""

    names: Iterator[bytes]
    path: bytes
    fd: int


def put_tree(store: BlockStore, path: Path, skip: Skip | None = None, progress: Progress = silent) -> bytes:
    """Keep the content of a file, folder or symbolic link. Memory is bounded by a directory's names.

    Args:
        store: open to write; not flushed.
        path: of the one entry of the tree. A link above it is followed, the last component never.
        skip: told of sockets, pipes, devices and of what cannot be read; None to raise at the first.
        progress: told of what was read.

    Returns:
        The root id.

    Raises:
        InputError: there is nothing at the path, or something cannot be read and `skip` is None.
        SourceChangedError: a file changed whenever it was read, and `skip` is None.
        StorageError: the store's disk is full, fails or may not be written.
    """
    whole = path.resolve() if path.name in ("", "..") else path.parent.resolve() / path.name
    name = os.fsencode(whole.name)
    if not name:
        raise InputError(f"{path} has no name to keep it by; put what lies in it")
    try:
        fd = os.open(whole.parent, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        os.stat(name, dir_fd=fd, follow_symlinks=False)
    except OSError as error:
        raise InputError(f"{path} cannot be read: {(error.strerror or '').lower()}") from error
    with ChunkWriter(store) as chunks:
        return _Putter(store, chunks, skip or _refuse, progress).put(_Level(iter((name,)), b"", fd))


class _Putter:
    """One tree on its way into a store."""

    def __init__(self, store: BlockStore, chunks: ChunkWriter, skip: Skip, progress: Progress) -> None:
        self._store = store
        self._chunks = chunks
        self._skip = skip
        self._progress = progress
        self._builder = TreeBuilder(self._put_node)

    def put(self, outermost: _Level) -> bytes:
        levels = [outermost]
        try:
            while levels:
                name = next(levels[-1].names, None)
                if name is None:
                    os.close(levels.pop().fd)
                    if levels:
                        self._builder.leave()
                    continue
                below = self._add(levels[-1], name)
                if below is not None:
                    levels.append(below)
        finally:
            for level in levels:
                os.close(level.fd)
        return self._builder.finish()

    def _add(self, level: _Level, name: bytes) -> _Level | None:
        """Take one entry; gives the directory that is to be gone through next."""
        path = b"%b/%b" % (level.path, name) if level.path else name
        try:
            found = os.stat(name, dir_fd=level.fd, follow_symlinks=False)
            if stat.S_ISDIR(found.st_mode):
                return self._enter(level, name, path)
            if stat.S_ISREG(found.st_mode):
                self._file(level, name)
            elif stat.S_ISLNK(found.st_mode):
                target = os.readlink(name, dir_fd=level.fd)
                self._builder.symlink(name, target, found.st_mtime_ns)
            else:
                self._skip(path, "it is no file, folder or symbolic link")
        except OSError as error:
            self._skip(path, (error.strerror or str(error)).lower())
        except _RestlessFile:
            self._skip(path, "it changed whenever it was read")
        return None

    def _enter(self, level: _Level, name: bytes, path: bytes) -> _Level:
        fd = os.open(name, _FOLDER, dir_fd=level.fd)
        try:
            found = os.fstat(fd)
            names = sorted(map(os.fsencode, os.listdir(fd)))  # noqa: PTH208 - what is open, not a path
            self._builder.enter(name, stat.S_IMODE(found.st_mode), found.st_mtime_ns)
        except BaseException:
            os.close(fd)
            raise
        return _Level(iter(names), path, fd)

    def _file(self, level: _Level, name: bytes) -> None:
        fd = os.open(name, _FILE, dir_fd=level.fd)
        try:
            link, found = self._settled(fd)
        finally:
            os.close(fd)
        self._progress(1, 0)
        self._builder.file(name, stat.S_IMODE(found.st_mode), found.st_mtime_ns, link)

    def _settled(self, fd: int) -> tuple[FileLink, os.stat_result]:
        """Content that did not change while it was read."""
        for _ in range(_TRIES):
            before = os.fstat(fd)
            link = self._content(fd)
            if link.size_bytes == before.st_size and _state(os.fstat(fd)) == _state(before):
                return link, before
        raise _RestlessFile

    def _content(self, fd: int) -> FileLink:
        builder = FileBuilder(self._put_node)
        for piece in read_pieces(fd, self._store.settings.chunking):
            if isinstance(piece, DataPiece):
                self._put_chunks(piece)
                builder.chunks(b"".join(piece.ids), piece.lengths)
            else:
                builder.zeros(piece.length_bytes)
            self._progress(0, piece.length_bytes)
        return builder.finish()

    def _put_chunks(self, piece: DataPiece) -> None:
        begin = 0
        for length, chunk_id in zip(piece.lengths, piece.ids, strict=True):
            self._chunks.put(piece.data[begin : begin + length], chunk_id)
            begin += length

    def _put_node(self, node_id: bytes, node: bytes) -> None:
        self._store.put_block(node, StoredKind.NODE, node_id)


class _RestlessFile(Exception):  # noqa: N818 - never leaves this module
    """A file that changed whenever it was read."""


def _state(found: os.stat_result) -> tuple[int, int, int]:
    return found.st_size, found.st_mtime_ns, found.st_ctime_ns


def _refuse(path: bytes, why: str) -> None:
    shown = os.fsdecode(path).encode("utf-8", "backslashreplace").decode()
    if "changed" in why:
        raise SourceChangedError(f"{shown} cannot be put: {why}; put it when nobody writes to it")
    raise InputError(f"{shown} cannot be put: {why}; leave it out, or allow it to be read")
