"""What is sent over replayed links: as much of a mixture as takes a transfer so long."""

import os
from collections.abc import Iterator
from pathlib import Path
from random import Random

from backports import zstd
from benchmarks.corpus import corpus_folder, read
from benchmarks.transfer.trees import PAIRS, ROOT, Job

_MADE_BYTES = 4 << 20
_RANDOM_SHARE = 0.2
_LEVEL = 3
_LEAST_BYTES, _MOST_BYTES = 4 << 20, 320 << 20
_MODIFIED_S = 1_700_000_000
_SEED = 17


class Mixture:
    """Files to take pieces of: a corpus, or made-up words beside bytes that nothing makes smaller.

    Args:
        given: the corpus' folder; None for ``DWCP_CORPUS``, and made-up files where that is not set.

    Raises:
        InputError: there is no such folder, or a file cannot be read.
    """

    def __init__(self, given: Path | None) -> None:
        is_there = given is not None or "DWCP_CORPUS" in os.environ
        self.contents = dict(_of_corpus(corpus_folder(given)) if is_there else _made_up())
        self.about = "the corpus" if is_there else "made-up words and random bytes"
        whole = sum(map(len, self.contents.values()))
        stored = sum(len(zstd.compress(content, _LEVEL)) for content in self.contents.values())
        self.ratio = stored / whole
        self._whole_bytes = whole

    def job(self, place: Path, stored_bytes: float) -> Job:
        """A folder that zstd-3 makes about so many bytes of.

        Where the mixture is too small for it, it comes again with every byte replaced by another: as
        compressible, and new to a receiver that has the first.
        """
        wanted = int(min(max(stored_bytes / self.ratio, _LEAST_BYTES), _MOST_BYTES))
        copies = -(-wanted // self._whole_bytes)
        share = wanted / copies / self._whole_bytes
        rng, source, files, size = Random(_SEED), place / ROOT, 0, 0
        for copy in range(copies):
            table = bytes(rng.sample(range(256), 256)) if copy else bytes(range(256))
            for name, content in self.contents.items():
                piece = content[: max(1, int(len(content) * share))].translate(table)
                path = source / f"{copy}" / name
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_bytes(piece)
                os.utime(path, (_MODIFIED_S, _MODIFIED_S))
                files, size = files + 1, size + len(piece)
        return Job("replay", source, None, files, size, (), self.about)


def _of_corpus(folder: Path) -> Iterator[tuple[str, bytes]]:
    """Every file but the new versions of others."""
    newer = {new for _, new in PAIRS}
    for path in sorted(folder.iterdir()):
        if path.is_file() and path.name not in newer:
            yield path.name, read(path)


def _made_up() -> Iterator[tuple[str, bytes]]:
    rng = Random(_SEED)
    words = ["".join(rng.choices("etaoinshrdlu", k=rng.randint(2, 9))).encode() for _ in range(4000)]
    weights = [1 / (place + 1) for place in range(len(words))]
    for number in range(4):
        yield f"{number}.txt", b" ".join(rng.choices(words, weights, k=_MADE_BYTES // 6))
    yield "random.bin", rng.randbytes(int(4 * _MADE_BYTES * _RANDOM_SHARE))
