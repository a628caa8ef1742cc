"""Sets of versions: folders that were one another's successors."""

import re
import shutil
import subprocess
import sys
import tarfile
import zipfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from benchmarks.corpus import digests
from blake3 import blake3

from dwcp.errors import InputError

__all__ = ["VersionSet", "corpus_sets", "given_set", "released_sets"]

CORPUS_PAIRS = (
    ("src_zstd_v1.5.5.tar", "src_zstd_v1.5.6.tar"),
    ("mem_heap_t1.bin", "mem_heap_t2.bin"),
    ("vm_ext4_v1.img", "vm_ext4_v2.img"),
)
_SOURCES = ("django", ("5.1", "5.1.8", "5.2"))
_WHEELS = ("cryptography", ("44.0.2", "44.0.3"))
_PLATFORM = ("--platform", "manylinux_2_34_x86_64", "--python-version", "3.11", "--only-binary", ":all:")


@dataclass(frozen=True)
class VersionSet:
    """Versions of something, each a folder.

    Attributes:
        name: for tables.
        is_archive: whether each version is one archive or image, rather than a tree of files.
        versions: the folders, oldest first; all have the same name, in folders of their own.
        data: what they are made of, by name: lengths and digests.
    """

    name: str
    is_archive: bool
    versions: tuple[Path, ...]
    data: dict[str, dict[str, object]]

    @cached_property
    def plain_bytes(self) -> int:
        """Of all files of all versions; looked at once, while they are there."""
        return sum(path.stat().st_size for folder in self.versions for path in _files(folder))


def corpus_sets(corpus: Path, work: Path) -> Iterator[VersionSet]:
    """Version pairs of the corpus: each as the file that it is, and the source archives as trees too.

    Raises:
        InputError: the corpus holds none, or a file cannot be read.
    """
    pairs = [(corpus / old, corpus / new) for old, new in CORPUS_PAIRS]
    found = [pair for pair in pairs if all(path.is_file() for path in pair)]
    if not found:
        raise InputError(f"the corpus at {corpus} holds no two versions of a file; give versions with --data")
    for old, new in found:
        yield _files_as_set(f"{old.name} -> {new.name}", (old, new), new.name, work)
        if new.suffix == ".tar":
            yield _unpacked(f"{old.stem} -> {new.stem}, unpacked", (old, new), _unpack_tar, work)


def released_sets(downloads: Path, work: Path) -> Iterator[VersionSet]:
    """Releases from the package index, kept in a folder from one run to the next.

    Raises:
        InputError: they are not there and cannot be fetched, or cannot be unpacked.
    """
    name, versions = _SOURCES
    sources = [_fetch(name, version, ("--no-binary", ":all:"), downloads) for version in versions]
    title = f"{name} {', '.join(versions)}"
    yield _unpacked(title, sources, _unpack_tar, work)
    archives = [_decompressed(path, work) for path in sources]
    yield _files_as_set(f"{title}, archives", archives, f"{name}.tar", work)
    name, versions = _WHEELS
    wheels = [_fetch(name, version, _PLATFORM, downloads) for version in versions]
    yield _unpacked(f"{name} {', '.join(versions)}", wheels, _unpack_zip, work)


def given_set(folders: Sequence[Path], work: Path) -> VersionSet:
    """Any folders as consecutive versions.

    Raises:
        InputError: fewer than two, or one that is no folder.
    """
    missing = next((folder for folder in folders if not folder.is_dir()), None)
    if missing is not None or len(folders) < 2:
        shown = "fewer than two folders" if missing is None else f"{missing}, which is no folder"
        raise InputError(f"versions are two folders or more, oldest first, and not {shown}")
    place = _place(folders[-1].name, work)
    copies = []
    for number, folder in enumerate(folders):
        copies.append(place / str(number) / "data")
        shutil.copytree(folder, copies[-1], symlinks=True)
    return VersionSet(
        " -> ".join(folder.name for folder in folders),
        False,
        tuple(copies),
        {folder.name: _tree_digest(folder) for folder in folders},
    )


def _files_as_set(name: str, files: Sequence[Path], file_name: str, work: Path) -> VersionSet:
    place = _place(name, work)
    folders = []
    for number, path in enumerate(files):
        folders.append(place / str(number) / "data")
        folders[-1].mkdir(parents=True)
        shutil.copy2(path, folders[-1] / file_name)
    return VersionSet(name, True, tuple(folders), digests(files))


def _unpacked(
    name: str, archives: Sequence[Path], unpack: Callable[[Path, Path], None], work: Path
) -> VersionSet:
    place = _place(name, work)
    folders = []
    for number, archive in enumerate(archives):
        folders.append(place / str(number) / "data")
        folders[-1].mkdir(parents=True)
        try:
            unpack(archive, folders[-1])
        except (tarfile.TarError, zipfile.BadZipFile, OSError) as error:
            raise InputError(f"{archive} cannot be unpacked: {error}; remove it and try again") from error
    return VersionSet(name, False, tuple(folders), digests(archives))


def _unpack_tar(archive: Path, folder: Path) -> None:
    """Without the folder, named after the version, that everything lies in."""
    with tarfile.open(archive) as tar:
        tar.extractall(folder, filter="data")
    inside = list(folder.iterdir())
    if len(inside) == 1 and inside[0].is_dir():
        aside = inside[0].rename(folder.with_name("aside"))
        folder.rmdir()
        aside.rename(folder)


def _unpack_zip(archive: Path, folder: Path) -> None:
    with zipfile.ZipFile(archive) as packed:
        packed.extractall(folder)


def _decompressed(archive: Path, work: Path) -> Path:
    import gzip

    path = work / archive.stem
    with gzip.open(archive) as packed, path.open("wb") as plain:
        shutil.copyfileobj(packed, plain)
    return path


def _fetch(name: str, version: str, options: Sequence[str], downloads: Path) -> Path:
    """A release's file, fetched unless it is there."""
    pattern = re.compile(rf"{name}-{re.escape(version)}[-.](?!\d).*", re.IGNORECASE)
    for _ in range(2):
        there = downloads.glob("*") if downloads.is_dir() else ()
        found = next((path for path in there if pattern.fullmatch(path.name)), None)
        if found is not None:
            return found
        command = [sys.executable, "-m", "pip", "download", "--no-deps", "--no-build-isolation", "-q"]
        done = subprocess.run(
            [*command, *options, "-d", downloads, f"{name}=={version}"],
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode:
            break
    raise InputError(f"{name} {version} is not in {downloads} and cannot be fetched; is there a network?")


def _place(name: str, work: Path) -> Path:
    return work / re.sub(r"[^\w.]+", "-", name)


def _files(folder: Path) -> Iterator[Path]:
    return (path for path in folder.rglob("*") if path.is_file() and not path.is_symlink())


def _tree_digest(folder: Path) -> dict[str, object]:
    """Of names, lengths and contents."""
    digest, size_bytes = blake3(), 0
    for path in sorted(_files(folder)):
        content = path.read_bytes()
        size_bytes += len(content)
        digest.update(f"{path.relative_to(folder)}\0{len(content)}\0".encode("utf-8", "surrogateescape"))
        digest.update(content)
    return {"bytes": size_bytes, "blake3": digest.hexdigest()}
