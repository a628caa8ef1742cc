"""The access traces that prefetching is judged on: format, what numbers mean, and which are held out."""

import os
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

import numpy as np

from dwcp.errors import InputError
from dwcp.simulate.access import (
    Read,
    cold_reads,
    drifting_popularity,
    grow_tree,
    interleaved_streams,
    partial_reads,
    random_reads,
    repeated_builds,
    repeated_loop,
    restore,
)
from dwcp.telemetry.sources.access import AccessFormat, numbered_by_first_appearance, read_accesses

DEFAULT_FOLDER = Path("data/access")
EXTENT_SECTORS = 128
"""64 KiB, a store's usual block: a request is one access to each extent that it touches."""
SEED = 11


@dataclass(frozen=True)
class Trace:
    """A recorded trace.

    Attributes:
        name: for tables.
        file: its file's name.
        format: how it is written.
        places: whether neighbouring numbers are neighbouring blocks. Where numbers are hashes, or were given
            in the order in which blocks came first, they are names: there the next number is the future.
        held_out: nothing was chosen by looking at it, or at another trace of the same source.
    """

    name: str
    file: str
    format: AccessFormat
    places: bool
    held_out: bool


def _lirs(name: str, held_out: bool, places: bool = False) -> Trace:
    return Trace(name, f"caffeine_lirs_{name}.trace.gz", AccessFormat.LIRS, places, held_out)


TRACES = (
    Trace("P3", "arc_P3.lis.zst", AccessFormat.ARC, True, False),
    Trace("OLTP", "arc_OLTP.lis.zst", AccessFormat.ARC, False, False),
    *(_lirs(name, False) for name in ("sprite", "cpp", "cs", "ps", "multi1", "multi2")),
    Trace("w106", "caffeine_cloud_physics_w106.trace.xz", AccessFormat.UINT32_LITTLE, True, True),
    Trace("cloudPhysicsIO", "cloudPhysicsIO.csv.xz", AccessFormat.CLOUD_PHYSICS, True, True),
    Trace("web07", "caffeine_cache2k_web07.trace.xz", AccessFormat.UINT32_BIG, False, True),
    Trace("scarab", "caffeine_scarab_scarab-recs.trace.xz", AccessFormat.UINT64_BIG, False, True),
    Trace("corda", "caffeine_corda_trace_vaultservice.gz", AccessFormat.UINT64_BIG, False, True),
    _lirs("gli", True),
    _lirs("2_pools", True, places=True),
)
"""multi1 and multi2 are made of runs of cpp, cs and ps, so all five stand on one side; so do both traces of
CloudPhysics."""

COLD = "corda"


def access_folder(given: Path | None) -> Path:
    """The folder: the one given, else ``DWCP_ACCESS``, else ``data/access``.

    Raises:
        InputError: there is no such folder.
    """
    folder = given or Path(os.environ.get("DWCP_ACCESS") or DEFAULT_FOLDER)
    if not folder.is_dir():
        raise InputError(f"there are no traces at {folder}: give their folder with --data DIR or DWCP_ACCESS")
    return folder


def load(trace: Trace, folder: Path, most: int) -> list[Read]:
    """The beginning of a trace, as reads of blocks.

    Raises:
        InputError: it cannot be read, or its numbers are no places although the table says so.
    """
    found = read_accesses(folder / trace.file, trace.format, most)
    if not trace.places:
        return [Read(str(number)) for number in found.block.tolist()]
    blocks = found.block if found.sectors is None else found.extents(EXTENT_SECTORS)
    if numbered_by_first_appearance(found.block):
        raise InputError(
            f"{trace.file} numbers blocks by first appearance: its numbers are names, not places"
        )
    return [Read(number) for number in blocks[:most].tolist()]


def simulated(name: str, reads: int) -> list[Read]:
    """One of `SIMULATED`, the same each time."""
    rng = np.random.default_rng([SEED, SIMULATED.index(name)])
    return list(islice(_made_up(name, reads, rng), reads))


SIMULATED = ("restore", "parts", "builds", "loop", "streams", "popularity", "random", "cold")


def _made_up(name: str, reads: int, rng: np.random.Generator) -> Iterator[Read]:
    match name:
        case "restore":
            return restore(grow_tree(reads // 4, rng))
        case "parts":
            return partial_reads(grow_tree(reads // 20, rng), reads, rng)
        case "builds":
            return repeated_builds(grow_tree(reads // 40, rng), 10, rng)
        case "loop":
            return repeated_loop(reads, reads // 10, rng)
        case "streams":
            return interleaved_streams(reads, 8, 0.1, rng)
        case "popularity":
            return drifting_popularity(reads, reads // 5, 0.9, 0.01, rng)
        case "random":
            return random_reads(reads, reads // 5, rng)
        case _:
            return cold_reads(reads, rng)
