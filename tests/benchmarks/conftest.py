"""What the tests of the transfer benchmark share: links that are none, small peers, made-up results."""

import sys
from itertools import count
from pathlib import Path
from random import Random

import pytest

from dwcp.simulate.shaped_link import LinkShape

# Where the benchmarks are, which are no part of the package; and what the tests make up.
sys.path[:0] = [str(Path(__file__).parents[2]), str(Path(__file__).parent)]


class Here:
    """An end that is this machine itself."""

    address = "127.0.0.1"

    def __init__(self) -> None:
        self._sent = count(0, 1000)

    def command(self, *words: str) -> list[str]:
        return list(words)

    def sent_bytes(self) -> int:
        return next(self._sent)


class NoLink:
    """A link that leads from here to here."""

    def __init__(self) -> None:
        self.near, self.far = Here(), Here()
        self.shape = LinkShape()


@pytest.fixture
def here() -> Here:
    return Here()


@pytest.fixture
def link() -> NoLink:
    return NoLink()


@pytest.fixture
def corpus(tmp_path: Path) -> Path:
    """Real enough: text, random bytes, and two versions of a file under the corpus' own names."""
    folder = tmp_path / "corpus"
    folder.mkdir()
    rng = Random(3)
    (folder / "text.txt").write_bytes(b"the same words again and again\n" * 3000)
    (folder / "noise.bin").write_bytes(rng.randbytes(80_000))
    old = rng.randbytes(50_000)
    (folder / "mem_heap_t1.bin").write_bytes(old)
    (folder / "mem_heap_t2.bin").write_bytes(old[:20_000] + b"new" + old[20_000:])
    return folder
