"""One side of a transfer as processes: start them at an end of the link, and learn what they used up."""

import contextlib
import os
import select
import signal
import subprocess
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TextIO

from dwcp.errors import InputError
from dwcp.simulate.shaped_link import LinkEnd

SAMPLE_S = 0.04
"""How often resident memory is looked at; a peak that is shorter than this may be missed."""
PATIENCE_S = 3.0
"""How long a process that was asked to end may go on."""
_LISTEN = "0A"
_SESSION = 5
"""Place of the session's number in ``/proc/PID/stat``, counted from 0."""
_CHILDREN_S = 0.3


@dataclass(frozen=True)
class Usage:
    """What one side's processes used, together.

    Attributes:
        status: exit status; negative for the number of the signal that ended it.
        ended_s: when the last one ended, on the monotonic clock.
        cpu_s: user and system seconds.
        resident_mb: the peaks of all its processes, summed: megabytes.
    """

    status: int
    ended_s: float
    cpu_s: float
    resident_mb: float


class Side:
    """A script of bash with everything it starts, at one end of a link.

    Args:
        end: where.
        script: what bash runs; a failing part of a pipeline fails the whole.
        log: file that takes what it prints.
        environment: variables beside the benchmark's own.
    """

    def __init__(self, end: LinkEnd, script: str, log: Path, environment: Mapping[str, str]) -> None:
        self.script = script
        self._log = log
        self._peaks_kb: dict[int, int] = {}
        self._usage: Usage | None = None
        with log.open("wb") as printed:
            self._process = subprocess.Popen(
                end.command("bash", "-c", f"set -o pipefail\n{script}"),
                stdin=subprocess.DEVNULL,
                stdout=printed,
                stderr=printed,
                env={**os.environ, **environment},
                start_new_session=True,
            )
        self._handle = os.pidfd_open(self._process.pid)

    @property
    def usage(self) -> Usage | None:
        """What it used; None while it runs."""
        return self._usage

    def fileno(self) -> int:
        """Readable when the script has ended."""
        return self._handle

    def listens(self, port: int) -> bool:
        """Whether something at its end waits for connections on the port."""
        for table in ("tcp", "tcp6"):
            with contextlib.suppress(OSError):
                lines = Path(f"/proc/{self._process.pid}/net/{table}").read_text(encoding="ascii")
                rows = [line.split() for line in lines.splitlines()[1:]]
                if any(row[3] == _LISTEN and int(row[1].rpartition(":")[2], 16) == port for row in rows):
                    return True
        return False

    def devices(self) -> TextIO:
        """What the devices at its end have sent and taken in, as a table that is new each time it is read."""
        return Path(f"/proc/{self._process.pid}/net/dev").open(encoding="ascii")

    def look(self) -> None:
        """Take a sample of every process' peak of resident memory."""
        for pid in self._processes():
            with contextlib.suppress(OSError, IndexError):
                status = Path(f"/proc/{pid}/status").read_text(encoding="ascii", errors="replace")
                peak = int(status.split("VmHWM:")[1].split()[0])
                self._peaks_kb[pid] = max(peak, self._peaks_kb.get(pid, 0))

    def _processes(self) -> list[int]:
        """Those of its session, which begin with the script's own."""
        leader = self._process.pid
        names = os.listdir("/proc")  # noqa: PTH208 - a path for each of many processes takes time
        later = [int(name) for name in names if name.isdigit() and int(name) >= leader]
        return [pid for pid in later if pid in self._peaks_kb or _session_of(pid) == leader]

    def reap(self) -> Usage:
        """Wait for the script's end; then what it used."""
        if self._usage is None:
            _, status, used = os.wait4(self._process.pid, 0)
            ended = time.monotonic()
            self._process.returncode = os.waitstatus_to_exitcode(status)
            os.close(self._handle)
            resident = sum(self._peaks_kb.values()) * 1024 / 1e6
            self._usage = Usage(
                self._process.returncode, ended, used.ru_utime + used.ru_stime, round(resident, 1)
            )
        return self._usage

    def stop(self) -> Usage:
        """End it and all that it started, if it still runs; then what it used."""
        if self._usage is None:
            self._let_children_end()
            for number in (signal.SIGTERM, signal.SIGKILL):
                with contextlib.suppress(ProcessLookupError):
                    os.killpg(self._process.pid, number)
                if select.select([self], [], [], PATIENCE_S)[0]:
                    break
        return self.reap()

    def _let_children_end(self) -> None:
        """What a server's child used is counted when the server has seen it end."""
        until = time.monotonic() + _CHILDREN_S
        self.look()
        while len(self._processes()) > 1 and time.monotonic() < until:
            time.sleep(0.005)

    def words(self) -> str:
        """The last lines that it printed, on one line."""
        text = self._log.read_text(encoding="utf-8", errors="replace")
        return " / ".join(line.strip() for line in text.strip().splitlines()[-4:])


def _session_of(pid: int) -> int:
    try:
        return int(Path(f"/proc/{pid}/stat").read_text(encoding="ascii", errors="replace").split()[_SESSION])
    except OSError:
        return 0


def await_listening(side: Side, port: int, patience_s: float = 20.0) -> None:
    """Return when the side waits for connections.

    Raises:
        InputError: it ended instead, or took too long.
    """
    until = time.monotonic() + patience_s
    while not side.listens(port):
        ended = select.select([side], [], [], 0.005)[0]
        if ended or time.monotonic() > until:
            how = "ended" if ended else f"does not listen after {patience_s:g} s"
            side.stop()
            raise InputError(f"`{side.script}` {how}: {side.words() or 'it printed nothing'}")


def await_end(sides: Sequence[Side], awaited: Sequence[Side], until_s: float) -> bool:
    """Return when the awaited sides have ended, or at a time of the monotonic clock; whether they have.

    The memory of all sides is looked at meanwhile.
    """
    left = list(awaited)
    next_look = time.monotonic() + SAMPLE_S / 4
    while left:
        now = time.monotonic()
        if now > until_s:
            return False
        if now >= next_look:
            for side in sides:
                side.look()
            next_look = now + SAMPLE_S
        for side in select.select(left, [], [], max(0.0, next_look - now))[0]:
            side.reap()
            left.remove(side)
    return True
