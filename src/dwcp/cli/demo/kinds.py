"""What kind of file a name stands for: enough to mix the demo's files and to sort its figures."""

from enum import StrEnum
from pathlib import PurePath

__all__ = ["Kind", "kind_of", "plain_suffix"]


class Kind(StrEnum):
    """Kinds that compress differently."""

    PROGRAMS = "programs and libraries"
    CODE = "source code"
    LOGS = "logs"
    DOCUMENTS = "documents"
    DATA = "data"
    COMPRESSED = "already compressed"
    OTHER = "other"


_SUFFIXES = {
    Kind.PROGRAMS: "so dylib dll exe pyd a o ko class pyc wasm elf bin",
    Kind.CODE: "py pyi pyx c h cc cpp hpp hh cu cuh js mjs ts css java go rs rb pl pm sh lua sql cmake ipynb",
    Kind.LOGS: "log journal out",
    Kind.DOCUMENTS: "txt md rst html htm tex man info texi pdf rtf xhtml",
    Kind.DATA: "json jsonl csv tsv xml yaml yml toml db sqlite mo po dat npy svg ttf otf bmp wav tar pickle",
    Kind.COMPRESSED: (
        "gz tgz xz bz2 zst lz4 br 7z rar zip whl jar apk deb rpm npz parquet png jpg jpeg gif webp woff "
        "woff2 mp3 mp4 m4a ogg opus flac webm mkv avif"
    ),
}
_KIND_OF = {f".{suffix}": kind for kind, suffixes in _SUFFIXES.items() for suffix in suffixes.split()}


def kind_of(path: PurePath) -> Kind:
    """The kind of a file, by its name and folder alone."""
    suffix = plain_suffix(path)
    if suffix in _KIND_OF:
        return _KIND_OF[suffix]
    if "log" in path.parts[:-1]:
        return Kind.LOGS
    if path.parent.name in ("bin", "sbin"):
        return Kind.PROGRAMS
    return Kind.DOCUMENTS if path.parent.name.startswith("man") else Kind.OTHER


def plain_suffix(path: PurePath) -> str:
    """The last suffix that is not a number: ``.so`` of ``libz.so.1.3``, ``.log`` of ``boot.log.2``."""
    words = (suffix.lower() for suffix in reversed(path.suffixes) if not suffix[1:].isdigit())
    return next(words, "")
