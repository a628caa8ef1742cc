"""What is transferred: folders made of the corpus, or of made-up bytes, with times that never vary."""

import os
import shutil
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from random import Random

from benchmarks.corpus import read

from dwcp.errors import InputError

PAIRS = (
    ("mem_heap_t1.bin", "mem_heap_t2.bin"),
    ("src_zstd_v1.5.5.tar", "src_zstd_v1.5.6.tar"),
    ("vm_ext4_v1.img", "vm_ext4_v2.img"),
)
"""Old and new names in the corpus; both versions travel under the new name."""
ROOT = "data"
"""Name of the folder that is sent."""

_OLD_S, _NEW_S = 1_700_000_000, 1_700_086_400
_SMALL_BYTES = (256, 8192)
_FOLDERS = 50
_PIECE_BYTES = 4 << 20


@dataclass(frozen=True)
class Job:
    """Something to transfer.

    Attributes:
        name: of the kind of transfer.
        source: the folder to send.
        before: what the receiver has beforehand; None for nothing.
        files: how many there are.
        plain_bytes: of all of them.
        changed: names of old and new files whose content differs, where there is an old version.
        about: one line.
        other_times: what the receiver has differs in times, so that a look at them does not do.
    """

    name: str
    source: Path
    before: Path | None
    files: int
    plain_bytes: int
    changed: tuple[tuple[Path, Path], ...]
    about: str
    other_times: bool = False


def first_copy(corpus: Path, place: Path, share: float) -> Job:
    """The whole corpus, or the first share of each of its files, to a receiver that has nothing.

    Raises:
        InputError: the corpus cannot be read.
    """
    source = place / ROOT
    for path in _files(corpus):
        content = read(path)
        _write(source / path.relative_to(corpus), content[: _part(len(content), share)], _OLD_S)
    about = "the corpus" if share >= 1 else f"the first {100 * share:.3g} % of each file of the corpus"
    return _job("first copy", source, None, (), about)


def second_version(corpus: Path, place: Path, share: float, pairs: int = len(PAIRS)) -> Job:
    """New versions over old ones, beside files that did not change.

    Args:
        corpus: its folder.
        place: where the trees go.
        share: how much of each file that did not change.
        pairs: how many of `PAIRS`, the shortest first.

    Raises:
        InputError: the corpus holds none of the pairs.
    """
    found = [(corpus / old, corpus / new) for old, new in PAIRS[:pairs]]
    found = [pair for pair in found if all(path.is_file() for path in pair)]
    if not found:
        raise InputError(f"the corpus at {corpus} holds no two versions of a file, such as {PAIRS[0]}")
    versions = {name for pair in PAIRS for name in pair}
    before, source = place / "before" / ROOT, place / "after" / ROOT
    for path in _files(corpus):
        if path.name not in versions:
            content = read(path)
            for folder in (before, source):
                _write(folder / path.name, content[: _part(len(content), share)], _OLD_S)
    for old, new in found:
        _write(before / new.name, read(old), _OLD_S)
        _write(source / new.name, read(new), _NEW_S)
    changed = tuple((before / new.name, source / new.name) for _, new in found)
    names = ", ".join(new.name for _, new in found)
    return _job("second version", source, before, changed, f"new versions of {names}, and unchanged files")


def small_files(corpus: Path, place: Path, count: int) -> Job:
    """Many files of some kilobytes, cut out of the corpus."""
    rng, source = Random(11), place / ROOT
    contents = [read(path) for path in _files(corpus)]
    if not contents:
        raise InputError(f"the corpus at {corpus} holds no files")
    for number in range(count):
        content = contents[number % len(contents)]
        start, length = rng.randrange(max(1, len(content))), rng.randint(*_SMALL_BYTES)
        name = f"{number % _FOLDERS:02d}/{number:06d}.part"
        _write(source / name, content[start : start + length], _OLD_S)
    least, most = _SMALL_BYTES
    return _job("small files", source, None, (), f"pieces of {least} to {most} bytes of the corpus")


def one_small_file(place: Path) -> Job:
    """Next to nothing: what is left is the start of all programs."""
    source = place / ROOT
    _write(source / "small.txt", b"next to nothing\n", _OLD_S)
    return _job("one small file", source, None, (), "a file of 16 bytes: the start of all programs")


def unchanged(corpus: Path, place: Path) -> Job:
    """The receiver has everything, with the same sizes and times."""
    made = first_copy(corpus, place, 1.0)
    return _job("unchanged", made.source, made.source, (), "the corpus, which is there already")


def random_bytes(place: Path, size_bytes: int) -> Job:
    """Bytes that nothing makes smaller."""
    source = place / ROOT
    _write_random(source, size_bytes)
    return _job("incompressible", source, None, (), f"{size_bytes / 1e6:,.0f} MB of random bytes")


def known_blocks(place: Path, size_bytes: int) -> Job:
    """The receiver has every block, but the times differ, so that both sides have to look at all of it."""
    source = place / ROOT
    _write_random(source, size_bytes)
    about = f"{size_bytes / 1e6:,.0f} MB of random bytes, which are there already, with other times"
    return replace(_job("known blocks", source, source, (), about), other_times=True)


def any_folder(data: Path, place: Path) -> Job:
    """A folder of the caller's, copied once.

    Raises:
        InputError: it is no folder or cannot be read.
    """
    if not data.is_dir():
        raise InputError(f"there is no folder {data}: give one with --data DIR")
    source = place / ROOT
    try:
        shutil.copytree(data, source, symlinks=True)
    except (OSError, shutil.Error) as error:
        raise InputError(f"{data} cannot be copied: {error}") from error
    return _job("first copy", source, None, (), f"{data.name}, a folder given by --data")


def lay_before(job: Job, destination: Path) -> None:
    """Give the receiver what it has beforehand: byte for byte, by a plain copy."""
    if job.before is None:
        return
    target = destination / ROOT
    shutil.copytree(job.before, target, symlinks=True)
    if job.other_times:
        for path in _files(target):
            os.utime(path, (_NEW_S, _NEW_S))


def difference(wanted: Path, found: Path) -> str | None:
    """Where two folders differ, in a few words; None when names, kinds, lengths and bytes are the same."""
    left, right = _entries(wanted), _entries(found)
    if left.keys() != right.keys():
        odd = sorted(left.keys() ^ right.keys())
        return f"{len(odd)} names are on one side only, such as {odd[0]}"
    for name, kind in left.items():
        if kind != right[name]:
            return f"{name} is {right[name]}, not {kind}"
        if kind.startswith("file") and not _same_bytes(wanted / name, found / name):
            return f"{name} has other bytes"
    return None


def _entries(root: Path) -> dict[str, str]:
    """Relative name to kind, with a file's length and a link's target."""
    found = {}
    for folder, folders, files in os.walk(root):
        for name in (*folders, *files):
            path = Path(folder) / name
            found[str(path.relative_to(root))] = _kind(path)
    return found


def _kind(path: Path) -> str:
    if path.is_symlink():
        return f"a link to {path.readlink()}"
    return "a folder" if path.is_dir() else f"file of {path.stat().st_size} bytes"


def _same_bytes(one: Path, other: Path) -> bool:
    with one.open("rb") as left, other.open("rb") as right:
        while True:
            piece = left.read(_PIECE_BYTES)
            if piece != right.read(_PIECE_BYTES):
                return False
            if not piece:
                return True


def _job(
    name: str, source: Path, before: Path | None, changed: Sequence[tuple[Path, Path]], about: str
) -> Job:
    sizes = [path.stat().st_size for path in _files(source)]
    return Job(name, source, before, len(sizes), sum(sizes), tuple(changed), about)


def _files(folder: Path) -> Iterator[Path]:
    yield from (path for path in sorted(folder.rglob("*")) if path.is_file() and not path.is_symlink())


def _part(length: int, share: float) -> int:
    return length if share >= 1 else max(1, int(length * share))


def _write(path: Path, content: bytes, modified_s: int) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    os.utime(path, (modified_s, modified_s))


def _write_random(folder: Path, size_bytes: int, files: int = 4) -> None:
    rng = Random(13)
    for number in range(files):
        path = folder / f"{number}.random"
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("wb") as file:
            for piece in _lengths(size_bytes // files, 1 << 24):
                file.write(rng.randbytes(piece))
        os.utime(path, (_OLD_S, _OLD_S))


def _lengths(total: int, most: int) -> Iterable[int]:
    return (min(most, total - start) for start in range(0, total, most))
