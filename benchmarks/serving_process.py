"""A server as a process: started, asked what it said and used up, ended or killed."""

import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx

from dwcp.errors import InputError

__all__ = ["Served", "Usage", "serving", "usage_of"]

PATIENCE_S = 60.0
TICKS_PER_S = os.sysconf("SC_CLK_TCK")
_USER, _SYSTEM = 11, 12
"""Places in ``/proc/PID/stat`` after the command's name, counted from 0; see proc(5)."""


@dataclass(frozen=True, slots=True)
class Usage:
    """What a process has used so far.

    Attributes:
        cpu_s: user and system seconds.
        resident_mb: memory now, in megabytes.
    """

    cpu_s: float
    resident_mb: float


def usage_of(pid: int, proc: Path = Path("/proc")) -> Usage:
    """What a process has used so far."""
    fields = (
        (proc / str(pid) / "stat").read_text(encoding="ascii", errors="replace").rpartition(")")[2].split()
    )
    status = (proc / str(pid) / "status").read_text(encoding="ascii", errors="replace")
    ticks = int(fields[_USER]) + int(fields[_SYSTEM])
    return Usage(ticks / TICKS_PER_S, int(status.split("VmRSS:")[1].split()[0]) * 1024 / 1e6)


class Served:
    """``dwcp serve`` with what it says; ready when this is made.

    Args:
        home: its home; what it writes to standard error goes to ``server.log`` there.
        registry: folder of its models.
        words: more options.

    Raises:
        InputError: it did not get ready.
    """

    def __init__(self, home: Path, registry: Path, *words: str) -> None:
        home.mkdir(parents=True, exist_ok=True)
        self.socket = home / "serve.sock"
        self._log = home / "server.log"
        command = [
            sys.executable,
            "-m",
            "dwcp.cli.app",
            "--home",
            str(home),
            "serve",
            "--json",
            "--port",
            "0",
        ]
        command += [
            "--grpc-port",
            "0",
            "--unix-socket",
            str(self.socket),
            "--registry",
            str(registry),
            *words,
        ]
        self.events: list[tuple[float, dict[str, Any]]] = []
        """What it said, with the time on the monotonic clock."""
        started_s = time.monotonic()
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=log, text=True)
        self.pid = self._process.pid
        self._listener = threading.Thread(target=self._listen, daemon=True)
        self._listener.start()
        try:
            told = self.await_event("listening", started_s + PATIENCE_S)
            self.url = next(one for one in told["addresses"] if one.startswith("http:"))
            self.grpc = next(one for one in told["addresses"] if one.startswith("grpc:"))[5:]
            self._await_ready(started_s + PATIENCE_S)
        except BaseException:
            self.kill()
            raise
        self.ready_s = time.monotonic() - started_s
        """From the start of the command until it was ready."""

    @property
    def tcp(self) -> tuple[str, int]:
        """Where it listens for HTTP."""
        host, _, port = self.url.removeprefix("http://").rpartition(":")
        return host, int(port)

    def usage(self) -> Usage:
        """What it has used so far."""
        return usage_of(self.pid)

    def log_lines(self) -> int:
        """How many lines it has logged."""
        return len(self._log.read_bytes().splitlines())

    def await_event(self, name: str, until_s: float) -> dict[str, Any]:
        """The first event of a name.

        Raises:
            InputError: it ended, or took too long.
        """
        while True:
            for _, event in list(self.events):
                if event["event"] == name:
                    return event
            if self._process.poll() is not None or time.monotonic() > until_s:
                last = self._log.read_text(encoding="utf-8", errors="replace").strip()[-300:]
                raise InputError(f"the server never said {name!r}: {last or 'it logged nothing'}")
            time.sleep(0.005)

    def stop(self) -> int:
        """End it in good order; its exit status."""
        self._process.send_signal(signal.SIGTERM)
        try:
            return self._process.wait(PATIENCE_S)
        finally:
            self.kill()

    def kill(self) -> None:
        """End it at once, as a crash would."""
        self._process.kill()
        self._process.wait()
        self._listener.join()
        if self._process.stdout is not None:
            self._process.stdout.close()

    def _listen(self) -> None:
        assert self._process.stdout is not None
        for line in self._process.stdout:
            self.events.append((time.monotonic(), json.loads(line)))

    def _await_ready(self, until_s: float) -> None:
        while time.monotonic() < until_s:
            if httpx.get(f"{self.url}/v2/health/ready").status_code == 200:
                return
            time.sleep(0.005)
        raise InputError(f"the server was not ready after {PATIENCE_S:g} s: see {self._log}")


@contextmanager
def serving(home: Path, registry: Path, words: Sequence[str] = ()) -> Iterator[Served]:
    """A server while it is needed."""
    served = Served(home, registry, *words)
    try:
        yield served
    finally:
        served.stop()
