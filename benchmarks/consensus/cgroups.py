"""Processor time: a group a member within a group that stands for the machine they share (cgroup v1)."""

import os
import signal
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

from benchmarks.consensus.places import CGROUPS, Places

from dwcp.errors import InputError

_PERIOD_US = 100_000
_PATIENCE_S = 5.0
_SHARES = 1024
"""Weight of an ordinary process."""
_CLIENT_WEIGHT = 2


def make(places: Places, members: int) -> None:
    """Make the groups.

    Raises:
        InputError: this machine has no cpu controller of cgroup v1.
    """
    try:
        # Else all members together would count as one process beside those of the machine.
        for group, weight in ((places.cgroup, members), (places.client_cgroup, _CLIENT_WEIGHT)):
            group.mkdir()
            (group / "cpu.shares").write_text(str(_SHARES * weight))
        for member in range(1, members + 1):
            places.member_cgroup(member).mkdir()
    except OSError as error:
        raise InputError(f"there is no cgroup v1 at {CGROUPS} to use: {error.strerror}") from error


def remove(places: Places) -> None:
    """Kill what runs in the groups, and remove them."""
    for group in (*sorted(places.cgroup.glob("*/")), places.cgroup, places.client_cgroup):
        if group.is_dir():
            _empty(group)
            group.rmdir()


@contextmanager
def within(group: Path) -> Iterator[None]:
    """This process, and what it starts, in a group while the block lasts."""
    (group / "cgroup.procs").write_text(str(os.getpid()))
    try:
        yield
    finally:
        (CGROUPS / "cgroup.procs").write_text(str(os.getpid()))


def limit(group: Path, cores: float | None) -> None:
    """Let a group have as many cores at most; None lifts the limit."""
    (group / "cpu.cfs_period_us").write_text(str(_PERIOD_US))
    (group / "cpu.cfs_quota_us").write_text("-1" if cores is None else str(int(cores * _PERIOD_US)))


def enter(group: Path) -> list[str]:
    """The first words of a command that runs in a group."""
    return ["sh", "-c", f'echo $$ > {group}/cgroup.procs && exec "$@"', "sh"]


def processes(group: Path) -> list[int]:
    return [int(word) for word in (group / "cgroup.procs").read_text().split()]


def kill(pids: Sequence[int]) -> None:
    for pid in pids:
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)


def _empty(group: Path) -> None:
    until = time.monotonic() + _PATIENCE_S
    while (left := processes(group)) and time.monotonic() < until:
        kill(left)
        time.sleep(0.02)
