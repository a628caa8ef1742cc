"""Runs: a contender stores all versions of a set, gives each back, and every byte is compared."""

import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from benchmarks.storage.contenders import Contender
from benchmarks.storage.sets import VersionSet
from benchmarks.transfer.trees import difference

from dwcp.errors import InputError

__all__ = ["Run", "run"]

ROOT = Path(__file__).parents[2]
LAUNCH = Path(__file__).with_name("launch.py")


@dataclass(frozen=True)
class Run:
    """What one contender made of one set.

    Attributes:
        stored_bytes: of all files that are needed to give the versions back.
        cache_bytes: of files beside them that can be made again.
        put_s: seconds of each version.
        end_s: seconds of what was done when all were in.
        get_s: seconds of giving each version back.
        put_mib: peak resident memory of the largest process while putting and ending.
        get_mib: the same while getting.
        cpu_s: user and system seconds of putting and ending.
        tried: deltas that were made.
        useless: those that were not worth making.
        problem: where what came back differs; None where nothing does.
    """

    stored_bytes: int
    cache_bytes: int
    put_s: tuple[float, ...]
    end_s: float
    get_s: tuple[float, ...]
    put_mib: float
    get_mib: float
    cpu_s: float
    tried: int
    useless: int
    problem: str | None


@dataclass(frozen=True)
class _Used:
    wall_s: float
    cpu_s: float
    peak_mib: float


def run(contender: Contender, versions: VersionSet, work: Path) -> Run:
    """Store the versions one after the other, then get each back.

    Args:
        contender: who.
        versions: what.
        work: an existing folder; nothing of the run stays in it.

    Raises:
        InputError: a command fails.
    """
    with tempfile.TemporaryDirectory(dir=work) as place:
        return _run(contender, versions, Path(place))


def _run(contender: Contender, versions: VersionSet, place: Path) -> Run:
    store, home = place / "store", place / "home"
    store.mkdir()
    home.mkdir()
    whole = versions.versions[0].parents[1]
    common = {"store": str(store), "work": str(place), "all": str(whole), "python": sys.executable}
    _script(contender.begin, common, home)
    puts = [
        _script(contender.put, {**common, "version": str(folder), "number": str(number)}, home)
        for number, folder in enumerate(versions.versions)
    ]
    end = _script(contender.end, common, home)
    gets, problem = [], None
    for number, folder in enumerate(versions.versions):
        destination = place / "back"
        destination.mkdir()
        names = {**common, "number": str(number), "destination": str(destination)}
        gets.append(_script(contender.get, names, home))
        problem = problem or difference(folder, destination)
        shutil.rmtree(destination)
    sizes = _sizes(store, contender.caches)
    tried, useless = _outcomes(place / "outcomes")
    return Run(
        stored_bytes=sizes[False],
        cache_bytes=sizes[True],
        put_s=tuple(used.wall_s for used in puts),
        end_s=end.wall_s,
        get_s=tuple(used.wall_s for used in gets),
        put_mib=max(used.peak_mib for used in (*puts, end)),
        get_mib=max(used.peak_mib for used in gets),
        cpu_s=sum(used.cpu_s for used in (*puts, end)),
        tried=tried,
        useless=useless,
        problem=problem,
    )


def _script(script: str, names: Mapping[str, str], home: Path) -> _Used:
    """Run a script to its end.

    Raises:
        InputError: it fails.
    """
    environment = {
        **os.environ,
        "HOME": str(home),
        "XDG_CACHE_HOME": str(home / "cache"),
        "XDG_CONFIG_HOME": str(home / "config"),
        "PYTHONPATH": str(ROOT),
        "RESTIC_PASSWORD": "benchmark",
        "BORG_UNKNOWN_UNENCRYPTED_REPO_ACCESS_IS_OK": "yes",
    }
    with tempfile.TemporaryDirectory() as place:
        used, said = Path(place, "used"), Path(place, "said")
        text = f"set -eo pipefail\n{script.format_map(names)}"
        with said.open("wb") as file:
            subprocess.run(
                [sys.executable, "-I", "-S", LAUNCH, used, text],
                stdin=subprocess.DEVNULL,
                stdout=file,
                stderr=file,
                env=environment,
                check=False,
            )
        found = json.loads(used.read_bytes())
        if found["status"]:
            words = said.read_text(encoding="utf-8", errors="replace").strip()[-500:]
            raise InputError(f"{script.format_map(names)} failed: {words or found['status']}")
    return _Used(found["wall_s"], found["cpu_s"], found["peak_kib"] / 1024)


def _sizes(store: Path, caches: tuple[str, ...]) -> dict[bool, int]:
    sizes = {False: 0, True: 0}
    for path in store.rglob("*"):
        if path.is_file() and not path.is_symlink():
            sizes[path.name in caches] += path.stat().st_size
    return sizes


def _outcomes(path: Path) -> tuple[int, int]:
    lines = path.read_text(encoding="utf-8").splitlines() if path.exists() else []
    rows = [json.loads(line) for line in lines]
    return sum(row["tried"] for row in rows), sum(row["useless"] for row in rows)
