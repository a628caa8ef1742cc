"""Which files the demo measures: real ones of this machine, of many kinds and folders, big and small."""

import os
import sys
import sysconfig
import zipfile
from collections import deque
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from io import BytesIO
from itertools import islice, zip_longest
from pathlib import Path
from typing import TypeVar

from blake3 import blake3

from dwcp.cli.demo.kinds import Kind, kind_of, plain_suffix
from dwcp.errors import InputError
from dwcp.evaluation import atomic_write
from dwcp.tasks.compression.sources import MIN_BLOCK_BYTES, BlockSource, cut, previous_versions

__all__ = ["Found", "Survey", "choose", "default_roots", "short_name", "survey", "write_archive"]

ItemT = TypeVar("ItemT")

_MOST_FOLDERS = 6000
"""Folders looked into below one root."""
_MOST_OF_FAMILY = 6
"""Files measured of one family."""
_BLOCKS_OF_FILE = 3
_FEWEST_FAMILIES = 12
"""With fewer folders than this to tell apart, each file counts as a family of its own."""
_ARCHIVED = 24
_ARCHIVE_BYTES = 4 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class Found:
    """A file that can be read, with what tells whether it has changed."""

    path: Path
    size_bytes: int
    modified_ns: int


@dataclass(frozen=True, slots=True)
class Survey:
    """The files found, in a stable order, and how many files and folders could not be read."""

    files: tuple[Found, ...]
    unreadable: int


def default_roots() -> list[Path]:
    """Where a machine keeps files that are varied and not personal: Python, programs, documents, logs."""
    python = [sysconfig.get_path(name) for name in ("stdlib", "purelib", "platlib")]
    system = ("/usr/lib", "/usr/lib64", "/usr/bin", "/usr/share", "/usr/local", "/opt", "/var/log")
    named = (Path(text) for text in (*python, f"{sys.base_prefix}/lib", *system))
    return [root for root in dict.fromkeys(path.resolve() for path in named) if root.is_dir()]


def survey(roots: Sequence[Path], leave_out: Path, most_of_folder: int) -> Survey:
    """Look through files and folders, breadth first, following no links below them.

    Args:
        roots: what to look through; one that is a file is taken as it is.
        leave_out: a folder not to look into: where the demo itself writes.
        most_of_folder: files kept of one folder, evenly spread.

    Raises:
        InputError: a root is missing, or there is no file of a block's least size.
    """
    found: dict[Path, Found] = {}
    unreadable = 0
    seen = {leave_out.resolve()}
    for root in roots:
        if not root.exists():
            raise InputError(f"{root} does not exist; name a file or a directory")
        for path in [root.resolve()] if root.is_file() else _walk(root, seen, most_of_folder):
            entry = _look(path)
            if entry is None:
                unreadable += 1
            elif entry.size_bytes >= MIN_BLOCK_BYTES:
                found.setdefault(entry.path, entry)
    if not found:
        named = ", ".join(str(root) for root in roots)
        raise InputError(f"no file of at least {MIN_BLOCK_BYTES} bytes in {named}; name one with data in it")
    return Survey(tuple(found.values()), unreadable)


def choose(
    found: Sequence[Found], block_bytes: int, most_blocks: int, *, versions: bool
) -> list[BlockSource]:
    """Blocks to measure, in an order whose every beginning is varied.

    Kinds take turns, within a kind its families, within a family big and small files. The same files give
    the same choice. A family, what is never split between training and judging, is the files of one
    kind of name in folders of one name; where there are few of those, it is a file with its versions. Of
    copies one is taken, or the same bytes would be learned from and judged on.

    Args:
        found: the files.
        block_bytes: plain bytes of a block.
        most_blocks: how many are enough.
        versions: pair files whose names tell it with their previous version, to encode against. Not for
            files that happen to lie about: ``lib_18.so`` beside ``lib_10.so`` is no update of it.
    """
    by_folder = len({_folder_family(file.path) for file in found}) >= _FEWEST_FAMILIES
    families: dict[str, list[Found]] = {}
    for file in found:
        family = _folder_family(file.path) if by_folder else str(file.path)
        families.setdefault(family, []).append(file)
    by_kind: dict[Kind, list[list[Found]]] = {kind: [] for kind in Kind}
    for name in sorted(families, key=lambda name: blake3(name.encode()).digest()):
        members = sorted(families[name], key=lambda file: (file.size_bytes, file.path))
        by_kind[kind_of(members[0].path)].append(list(islice(_from_both_ends(members), _MOST_OF_FAMILY)))
    order = _in_turns(_in_turns(group) for group in by_kind.values())
    unlike = list(islice(_without_copies(order), most_blocks))
    previous = previous_versions([file.path for file in unlike]) if versions else {}
    blocks = _blocks(unlike, block_bytes, previous, by_folder=by_folder)
    return list(islice(blocks, most_blocks))


def write_archive(found: Sequence[Found], path: Path) -> Found:
    """Zip a few of the files: something already compressed, on a machine that has nothing of the kind.

    Raises:
        StorageError: the disk is full or may not be written.
    """
    memory = BytesIO()
    with zipfile.ZipFile(memory, "w", zipfile.ZIP_DEFLATED) as archive:
        for file in found[:: max(len(found) // _ARCHIVED, 1)]:
            if file.size_bytes <= _ARCHIVE_BYTES and (content := _content(file.path)):
                archive.writestr(zipfile.ZipInfo(file.path.name), content, zipfile.ZIP_DEFLATED)
    content = memory.getvalue()
    if not path.exists() or path.read_bytes() != content:
        atomic_write(path, content)
    status = path.stat()
    return Found(path, status.st_size, status.st_mtime_ns)


def _walk(root: Path, seen: set[Path], most_of_folder: int) -> Iterator[Path]:
    """Some files of every folder below the root; a folder that cannot be listed stands for itself."""
    waiting = deque([root.resolve()])
    for _ in range(_MOST_FOLDERS):
        if not waiting:
            return
        folder = waiting.popleft()
        if folder in seen:
            continue
        seen.add(folder)
        try:
            with os.scandir(folder) as listing:
                entries = sorted(listing, key=lambda entry: entry.name)
        except OSError:
            yield folder
            continue
        folders = [entry for entry in entries if entry.is_dir(follow_symlinks=False)]
        waiting.extend(folder / entry.name for entry in folders if entry.name != "__pycache__")
        files = [entry.name for entry in entries if entry.is_file(follow_symlinks=False)]
        step = -(-len(files) // most_of_folder) or 1
        yield from (folder / name for name in files[::step])


def _look(path: Path) -> Found | None:
    """The file, or None when it cannot be read, or its name is not text and could not be shown."""
    try:
        str(path).encode()
        status = path.stat()
    except (OSError, UnicodeEncodeError):
        return None
    if not path.is_file() or not os.access(path, os.R_OK):
        return None
    return Found(path, status.st_size, status.st_mtime_ns)


def _content(path: Path, most_bytes: int = -1) -> bytes:
    try:
        with path.open("rb") as file:
            return file.read(most_bytes)
    except OSError:
        return b""


def _without_copies(files: Iterable[Found]) -> Iterator[Found]:
    """Leave out files of one size that begin alike, and a second file of one name in folders of one name."""
    seen: set[object] = set()
    for file in files:
        alike = (file.size_bytes, blake3(_content(file.path, MIN_BLOCK_BYTES)).digest())
        if alike not in seen and (name := short_name(file.path)) not in seen:
            seen |= {alike, name}
            yield file


def short_name(path: Path) -> str:
    """Folder and name: enough for people, and unique among the files that `choose` gives."""
    return f"{path.parent.name}/{path.name}"


def _folder_family(path: Path) -> str:
    return f"{path.parent.name}/*{plain_suffix(path)}"


def _blocks(
    order: Sequence[Found], block_bytes: int, previous: Mapping[Path, Path], *, by_folder: bool
) -> Iterator[BlockSource]:
    for file in order:
        for source in _cut(file.path, block_bytes):
            family = _folder_family(file.path) if by_folder else source.family
            yield replace(source, family=family, previous=previous.get(file.path))


def _cut(path: Path, block_bytes: int) -> list[BlockSource]:
    """The file's blocks; none when it has gone since it was found."""
    try:
        return list(cut([path], block_bytes, _BLOCKS_OF_FILE, by_folder=False))
    except OSError:
        return []


def _from_both_ends(items: Sequence[ItemT]) -> Iterator[ItemT]:
    """Last, first, last but one, second, ..."""
    left, right = 0, len(items) - 1
    while left <= right:
        yield items[right]
        if left < right:
            yield items[left]
        left, right = left + 1, right - 1


def _in_turns(groups: Iterable[Iterable[ItemT]]) -> Iterator[ItemT]:
    """One of each group, then the next of each, until all are through."""
    nothing = object()
    for turn in zip_longest(*groups, fillvalue=nothing):
        for item in turn:
            if item is not nothing:
                yield item  # type: ignore[misc]
