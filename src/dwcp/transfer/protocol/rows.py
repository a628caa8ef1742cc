"""Records as CBOR arrays ``[tag, fields...]`` and back.

A catalogue may have a million files, so this is written out by hand: a record costs about 0.6 µs to check.
"""

from collections.abc import Callable, Mapping
from typing import Any, TypeAlias

from dwcp.errors import ProtocolError
from dwcp.transfer.protocol.checks import is_safe_name
from dwcp.transfer.protocol.limits import (
    ID_BYTES,
    LINK_BYTES,
    MAX_CHUNK_BYTES,
    MAX_INT,
    MAX_MODE,
    MAX_NAME_BYTES,
    MAX_RECORD_CHUNKS,
    MAX_TARGET_BYTES,
    ZERO_RUN_BYTES,
)
from dwcp.transfer.protocol.records import (
    Chunks,
    EndDirectory,
    EndFile,
    EnterDirectory,
    File,
    Keep,
    Record,
    Retract,
    Symlink,
    Zeros,
)

__all__ = ["RECORD_TAGS", "record_of", "row_of"]

_Row: TypeAlias = tuple[Any, ...]

_END_DIRECTORY, _END_FILE, _RETRACT = EndDirectory(), EndFile(), Retract()


def _check_entry(name: Any, mode: Any, mtime_ns: Any) -> None:
    if not is_safe_name(name):
        raise ProtocolError(f"a record's name is not one safe path component of 1 to {MAX_NAME_BYTES} bytes")
    if type(mode) is not int or not 0 <= mode <= MAX_MODE:
        raise ProtocolError(f"a record's mode is not an integer from 0 to {MAX_MODE:#o}")
    if type(mtime_ns) is not int or not -MAX_INT - 1 <= mtime_ns <= MAX_INT:
        raise ProtocolError("a record's time is not an integer of 64 bits")


def _check_size(value: Any) -> None:
    if type(value) is not int or not 0 <= value <= MAX_INT:
        raise ProtocolError(f"a record's size is not an integer from 0 to {MAX_INT}")


def _enter_directory(row: _Row) -> Record:
    _, name, mode, mtime_ns = row
    _check_entry(name, mode, mtime_ns)
    return EnterDirectory(name, mode, mtime_ns)


def _end_directory(row: _Row) -> Record:
    (_,) = row
    return _END_DIRECTORY


def _file(row: _Row) -> Record:
    _, name, mode, mtime_ns, size_bytes = row
    _check_entry(name, mode, mtime_ns)
    _check_size(size_bytes)
    return File(name, mode, mtime_ns, size_bytes)


def _chunks(row: _Row) -> Record:
    _, ids, lengths = row
    if type(lengths) is not tuple or not 0 < len(lengths) <= MAX_RECORD_CHUNKS:
        raise ProtocolError(f"a record of chunks does not hold an array of 1 to {MAX_RECORD_CHUNKS} lengths")
    if type(ids) is not bytes or len(ids) != ID_BYTES * len(lengths):
        raise ProtocolError(
            f"a record of {len(lengths)} chunks does not hold {ID_BYTES} bytes of id for each"
        )
    for length in lengths:
        if type(length) is not int or not 0 < length <= MAX_CHUNK_BYTES:
            raise ProtocolError(f"a chunk's length is not an integer from 1 to {MAX_CHUNK_BYTES}")
    return Chunks(ids, lengths)


def _zeros(row: _Row) -> Record:
    _, length_bytes = row
    _check_size(length_bytes)
    if length_bytes == 0 or length_bytes % ZERO_RUN_BYTES:
        raise ProtocolError(f"a zero run is not a multiple of {ZERO_RUN_BYTES} bytes")
    return Zeros(length_bytes)


def _end_file(row: _Row) -> Record:
    (_,) = row
    return _END_FILE


def _keep(row: _Row) -> Record:
    _, name, mode, mtime_ns, size_bytes, content = row
    _check_entry(name, mode, mtime_ns)
    _check_size(size_bytes)
    if type(content) is not bytes or len(content) != LINK_BYTES:
        raise ProtocolError(f"a kept file's content is not a byte string of {LINK_BYTES} bytes")
    return Keep(name, mode, mtime_ns, size_bytes, content)


def _retract(row: _Row) -> Record:
    (_,) = row
    return _RETRACT


def _symlink(row: _Row) -> Record:
    _, name, target, mtime_ns = row
    _check_entry(name, 0, mtime_ns)
    if type(target) is not bytes or not 0 < len(target) <= MAX_TARGET_BYTES or b"\0" in target:
        raise ProtocolError(f"a symbolic link's target is not 1 to {MAX_TARGET_BYTES} bytes without NUL")
    return Symlink(name, target, mtime_ns)


RECORD_TAGS: Mapping[type[Record], int] = {
    EnterDirectory: 0,
    EndDirectory: 1,
    File: 2,
    Chunks: 3,
    Zeros: 4,
    EndFile: 5,
    Keep: 6,
    Retract: 7,
    Symlink: 8,
}
"""The first field of each record's array."""

_READ: tuple[Callable[[_Row], Record], ...] = (
    _enter_directory, _end_directory, _file, _chunks, _zeros, _end_file, _keep, _retract, _symlink,
)  # fmt: skip

_WRITE: Mapping[type[Record], Callable[[Any], _Row]] = {
    EnterDirectory: lambda record: (0, record.name, record.mode, record.mtime_ns),
    EndDirectory: lambda _: (1,),
    File: lambda record: (2, record.name, record.mode, record.mtime_ns, record.size_bytes),
    Chunks: lambda record: (3, record.ids, record.lengths),
    Zeros: lambda record: (4, record.length_bytes),
    EndFile: lambda _: (5,),
    Keep: lambda record: (
        6, record.name, record.mode, record.mtime_ns, record.size_bytes, record.content,
    ),
    Retract: lambda _: (7,),
    Symlink: lambda record: (8, record.name, record.target, record.mtime_ns),
}  # fmt: skip


def row_of(record: Record) -> _Row:
    """A record as an array."""
    return _WRITE[type(record)](record)


def record_of(row: Any) -> Record:
    """The record of an array.

    Raises:
        ProtocolError: it is not one.
    """
    if type(row) is not tuple or not row or type(row[0]) is not int or not 0 <= row[0] < len(_READ):
        raise ProtocolError("the catalogue holds something that is not a record of a known tag")
    try:
        return _READ[row[0]](row)
    except ValueError as error:
        raise ProtocolError(f"a record of tag {row[0]} does not have {len(row) - 1} fields") from error
