"""How time and memory grow with the size of what is put: made-up files, most of each a hole."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory

from benchmarks.storage.contenders import BORG, OURS, RESTIC, Contender
from benchmarks.storage.runs import Run, run
from benchmarks.storage.sets import VersionSet

__all__ = ["DATA_MIB", "GROWTH_GIB", "as_json", "grow", "sparse_set"]

GROWTH_GIB = (1, 4, 16, 64)
PEERS = (RESTIC, BORG)
PEERS_GIB = 4
"""Peers, which read and write holes as zeros, are run up to here."""
DATA_MIB = 64
"""Of each GiB; the rest is a hole."""
_GIB, _MIB = 1 << 30, 1 << 20


def sparse_set(gib: int, work: Path, file_bytes: int = _GIB, data_mib: int = DATA_MIB) -> VersionSet:
    """A folder of files of 1 GiB: in four places bytes that compress by half, and holes between."""
    folder = work / "sparse" / "0" / "data"
    folder.mkdir(parents=True)
    for number in range(gib):
        rng = Random(number)
        with (folder / f"disk-{number:02}").open("wb") as file:
            file.truncate(file_bytes)
            for quarter in range(4):
                file.seek(quarter * (file_bytes // 4))
                for _ in range(data_mib // 4):
                    file.write(rng.randbytes(_MIB // 2) + rng.randbytes(16) * (_MIB // 32))
    return VersionSet(f"{gib} GiB", True, (folder,), {})


def grow(
    contenders: Sequence[Contender], place: Path | None, sizes_gib: Sequence[int], tell: Callable[[str], None]
) -> Iterator[tuple[int, Mapping[str, Run]]]:
    """Put and get each size.

    Args:
        contenders: of them, ours and the peers.
        place: where to work; None for the usual place.
        sizes_gib: how much.
        tell: takes a line on what is being done.

    Raises:
        InputError: a command fails.
    """
    for gib in sizes_gib:
        fit = [one for one in contenders if one is OURS or (one in PEERS and gib <= PEERS_GIB)]
        with TemporaryDirectory(dir=place) as folder:
            versions = sparse_set(gib, Path(folder))
            tell(f"{gib} GiB, {gib * DATA_MIB:,} MiB of them data ...")
            yield gib, {one.name: run(one, versions, Path(folder)) for one in fit}


def as_json(found: Sequence[tuple[int, Mapping[str, Run]]]) -> list[dict[str, object]]:
    """One row for each size and contender."""
    return [
        {
            "gib": gib,
            "data_mib": gib * DATA_MIB,
            "contender": name,
            "put_s": round(sum(run.put_s), 2),
            "get_s": round(sum(run.get_s), 2),
            "put_data_mb_per_s": round(gib * DATA_MIB * _MIB / 1e6 / sum(run.put_s), 1),
            "get_data_mb_per_s": round(gib * DATA_MIB * _MIB / 1e6 / sum(run.get_s), 1),
            "put_mib": round(run.put_mib, 1),
            "get_mib": round(run.get_mib, 1),
            "stored_bytes": run.stored_bytes,
            "problem": run.problem,
        }
        for gib, row in found
        for name, run in row.items()
    ]
