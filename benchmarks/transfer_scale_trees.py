"""What `transfer_scale` sends, and a digest of all that has to arrive."""

import os
import stat
from pathlib import Path
from random import Random
from typing import Any

from blake3 import blake3

FOLDERS, FILE_BYTES = 100, 1024
SPARSE_PARTS = ((0, 300_000), (7 << 30, 1 << 20), (12345678901, 777_777), (15 << 30, 2 << 20))
"""Where the sparse file has data, and how much, where it is large enough; its last bytes are data too."""
PAGE = 1 << 20
_DEEP = 60


def facts(root: Path) -> str:
    """A digest of everything that a transfer keeps: names, kinds, modes, times, targets, every byte."""
    digest = blake3()

    def add(path: bytes, below: bytes) -> None:
        told = os.lstat(path)
        mode = stat.S_IMODE(told.st_mode)
        if stat.S_ISLNK(told.st_mode):
            found: tuple[Any, ...] = ("link", os.readlink(path))  # noqa: PTH115 - bytes, as they are
        elif stat.S_ISDIR(told.st_mode):
            names = sorted(os.listdir(path))  # noqa: PTH208 - bytes, as they are
            found = ("folder", mode, names)
        else:
            found = ("file", mode, told.st_size, _content(path))
        digest.update(repr((below, told.st_mtime_ns, found)).encode())
        for name in found[2] if found[0] == "folder" else ():
            add(path + b"/" + name, below + b"/" + name)

    add(os.fsencode(root), b"")
    return digest.hexdigest()


def _content(path: bytes) -> str:
    """A digest of a file's pages that are not all zeros, each with its place; holes are passed over."""
    digest, zeros = blake3(), bytes(PAGE)
    with open(path, "rb", buffering=0) as file:  # noqa: PTH123 - bytes, as they are
        size, at = os.fstat(file.fileno()).st_size, 0
        while at < size:
            try:
                at = os.lseek(file.fileno(), at, os.SEEK_DATA) // PAGE * PAGE
            except OSError:
                break
            page = os.pread(file.fileno(), PAGE, at)
            if page != zeros[: len(page)]:
                digest.update(at.to_bytes(8, "big") + page)
            at += PAGE
    return digest.hexdigest()


def small_files(place: Path, count: int) -> Path:
    """Files of 1 KiB that nothing makes smaller, in 100 folders."""
    rng = Random(1)
    for number in range(FOLDERS):
        folder = place / "small" / f"{number:03d}"
        folder.mkdir(parents=True)
        for each in range(count // FOLDERS):
            (folder / f"{each:05d}.bin").write_bytes(rng.randbytes(FILE_BYTES))
    return place / "small"


def sparse_file(place: Path, size_bytes: int) -> Path:
    """One file that is mostly a hole."""
    rng, path = Random(2), place / "sparse.img"
    with path.open("wb") as file:
        file.truncate(size_bytes)
        for at, length in (*SPARSE_PARTS, (size_bytes - 1000, 1000)):
            if at + length <= size_bytes:
                file.seek(at)
                file.write(rng.randbytes(length))
    return path


def odd_tree(place: Path) -> Path:
    """Names, links, modes and times as they may be, empty folders, and folders deep in one another."""
    rng, root = Random(3), place / "odd"
    root.mkdir()
    names = [b"\xff\xfe", b"a\nb", b" ", b"-rf", b"--delete", b"\xc3\xa9", b"e\xcc\x81", b"x" * 255, b"*?[a]"]
    names += [bytes((byte,)) for byte in range(1, 256) if byte not in b"./"]
    for number, name in enumerate(names):
        path = Path(os.fsdecode(os.fsencode(root) + b"/" + name))
        path.write_bytes(rng.randbytes(number))
        path.chmod(rng.randrange(0o1000))
    for number, target in enumerate(("nowhere", "/etc/passwd", "..", "x" * 4000, ".", "folders/1", " \n")):
        (root / f"link {number}").symlink_to(target)
    for number in range(200):
        (root / "folders" / str(number)).mkdir(parents=True, mode=0o777)
        (root / "folders" / str(number)).chmod(rng.choice((0o700, 0o755, 0o500, 0o777)))
    deep = root
    for number in range(_DEEP):
        deep /= f"{number:02d} {'deep' * 10}"
    deep.mkdir(parents=True)
    (deep / "bottom").write_bytes(b"here")
    times = (0, 1, -(10**9) - 1, 10**18 + 123_456_789, 2**31 * 10**9, 4 * 10**18)
    for path in sorted(root.rglob("*"), reverse=True):
        when = rng.choice(times)
        os.utime(path, ns=(when, when), follow_symlinks=False)
    return root


def mixed_folder(place: Path) -> Path:
    """About 100 MB of text, numbers, noise and repeats, in files of all sizes."""
    rng, root = Random(4), place / "mixed"
    root.mkdir()
    words = [bytes(rng.choices(b"etaoinshrdlu", k=rng.randint(2, 9))) for _ in range(3000)]
    for number in range(60):
        size = int(rng.lognormvariate(13.5, 1.2))
        kind = number % 4
        if kind == 0:
            content = rng.randbytes(size)
        elif kind == 1:
            content = b"".join(
                (1000 * at + rng.randrange(50)).to_bytes(8, "little") for at in range(size // 8)
            )
        else:
            content = b" ".join(rng.choices(words, k=size // 6))
        (root / f"{number:02d}").write_bytes(content)
    return root


def noise(place: Path, size_bytes: int) -> Path:
    """One file that nothing makes smaller."""
    rng, path = Random(5), place / "noise"
    with path.open("wb") as file:
        for at in range(0, size_bytes, 16 * PAGE):
            file.write(rng.randbytes(min(16 * PAGE, size_bytes - at)))
    return path
