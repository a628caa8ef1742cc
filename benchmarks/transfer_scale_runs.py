"""Transfers by processes whose time and memory are known, and a relay that counts."""

import contextlib
import json
import os
import resource
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from dwcp.errors import InputError

ROOT = Path(__file__).parents[1]
PROGRAM = Path(sys.executable).with_name("dwcp")
_WAIT_S = 900.0
_SAMPLE_S = 0.02


@dataclass(frozen=True)
class Ended:
    """A process that has ended: its status, peak of resident memory, and what it printed."""

    status: int
    resident_mb: float
    said: str


@dataclass(frozen=True)
class Transfer:
    """One transfer as it went.

    Attributes:
        seconds: from the sending command's start to its end.
        sender: the sending process.
        receiver: the receiving one.
    """

    seconds: float
    sender: Ended
    receiver: Ended

    @property
    def received(self) -> dict[str, Any]:
        """What the receiver told; nothing where nothing was received."""
        events = [json.loads(line) for line in self.receiver.said.splitlines() if line.startswith("{")]
        return next((event for event in events if event["event"] == "received"), {})


class Process:
    """A command whose memory is known once it has ended; what it prints goes to a file."""

    def __init__(self, command: Sequence[str | Path], folder: Path, name: str) -> None:
        self._log = folder / f"{name}.log"
        environment = {
            **os.environ,
            "DWCP_HOME": str(folder / "home"),
            "DWCP_KEYS": str(folder / "keys"),
            "XDG_STATE_HOME": str(folder / "state"),
        }
        self._own_kb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        self._peak_kb = 0
        with self._log.open("wb") as printed:
            self.process = subprocess.Popen(
                list(map(str, command)), stdout=printed, stderr=printed, env=environment, cwd=ROOT
            )
        threading.Thread(target=self._look, daemon=True).start()

    def said(self) -> str:
        """What it printed so far."""
        return self._log.read_text(encoding="utf-8", errors="replace")

    def address(self) -> str:
        """Where a receiver listens, once it does.

        Raises:
            InputError: it ended instead.
        """
        while True:
            for line in self.said().splitlines():
                if line.startswith('{"address"'):
                    return str(json.loads(line)["address"])
            if os.waitid(os.P_PID, self.process.pid, os.WEXITED | os.WNOHANG | os.WNOWAIT):
                raise InputError(f"the receiver ended: {self.end().said.strip()}")
            time.sleep(0.01)

    def end(self, number: int | None = None) -> Ended:
        """Wait for its end, after a signal if one is given."""
        if number is not None:
            self.process.send_signal(number)
        _, status, used = os.wait4(self.process.pid, 0)
        self.process.returncode = os.waitstatus_to_exitcode(status)
        # What a process that was forked is told to have had at most begins with what its parent had.
        peak_kb = used.ru_maxrss if used.ru_maxrss > 1.1 * self._own_kb else self._peak_kb
        return Ended(self.process.returncode, round(peak_kb * 1024 / 1e6, 1), self.said())

    def _look(self) -> None:
        """Take samples of the peak of resident memory, of which the last is nearly the truth."""
        status = Path(f"/proc/{self.process.pid}/status")
        with contextlib.suppress(OSError, IndexError):
            while self.process.returncode is None:
                self._peak_kb = int(status.read_text(errors="replace").split("VmHWM:")[1].split()[0])
                time.sleep(_SAMPLE_S)


class Meter:
    """Passes connections on to a receiver, and counts what goes there."""

    def __init__(self, upstream: str) -> None:
        self._host, _, self._port = upstream.rpartition(":")
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.address = f"127.0.0.1:{self._listener.getsockname()[1]}"
        self.bytes = 0
        self._open: list[socket.socket] = []
        threading.Thread(target=self._accept, daemon=True).start()

    def wait(self, count_bytes: int) -> None:
        """Wait until so many have passed."""
        until = time.monotonic() + _WAIT_S
        while self.bytes < count_bytes and time.monotonic() < until:
            time.sleep(0.002)

    def cut(self) -> None:
        """Cut every connection; new ones are taken."""
        cut, self._open = self._open, []
        for sock in cut:
            with contextlib.suppress(OSError):
                sock.shutdown(socket.SHUT_RDWR)

    def close(self) -> None:
        """Take no more connections."""
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                near = self._listener.accept()[0]
                try:
                    far = socket.create_connection((self._host, int(self._port)))
                except OSError:
                    near.close()
                    continue
                self._open += [near, far]
                for way in ((near, far, True), (far, near, False)):
                    threading.Thread(target=self._pump, args=way, daemon=True).start()

    def _pump(self, source: socket.socket, target: socket.socket, counts: bool) -> None:
        with contextlib.suppress(OSError):
            while content := source.recv(1 << 18):
                target.sendall(content)
                self.bytes += len(content) if counts else 0
        for sock in (source, target):
            with contextlib.suppress(OSError):
                sock.shutdown(socket.SHUT_RDWR)


def dwcp(source: Path, folder: Path, *options: str | Path, receiving: Sequence[str] = ()) -> Transfer:
    """Send a folder or file by the real commands, into ``folder/to``."""
    command: list[str | Path] = [PROGRAM, "send", source, "{}", "--json", *options]
    return carry(command, folder, receiving)


def carry(sending: Sequence[str | Path], folder: Path, receiving: Sequence[str] = ()) -> Transfer:
    """Run a sending command against a receiver of its own."""
    folder.mkdir()
    words: tuple[str | Path, ...] = (
        PROGRAM,
        "receive",
        folder / "to",
        "--listen",
        "127.0.0.1:0",
        "--once",
        "--json",
        *receiving,
    )
    receiver = Process(words, folder, "receiver")
    address = receiver.address()
    began = time.perf_counter()
    sender = Process([str(word).format(address) for word in sending], folder, "sender").end()
    seconds = time.perf_counter() - began
    return Transfer(seconds, sender, receiver.end(signal.SIGTERM if sender.status else None))


def rsync(source: Path, folder: Path, *options: str) -> Transfer:
    """The same by rsync to a daemon of its own."""
    (folder / "to").mkdir(parents=True)
    port = free_port()
    settings = folder / "rsyncd.conf"
    settings.write_text(
        f"use chroot = no\nmunge symlinks = no\nuid = 0\ngid = 0\n"
        f"[to]\npath = {folder / 'to'}\nread only = no\n"
    )
    words = ("--no-detach", "--address=127.0.0.1", f"--port={port}", f"--config={settings}")
    daemon = Process(("rsync", "--daemon", *words, f"--log-file={folder / 'daemon.log'}"), folder, "daemon")
    _await_port(port)
    began = time.perf_counter()
    client = Process(
        ("rsync", "-a", *options, source, f"rsync://127.0.0.1:{port}/to/"), folder, "rsync"
    ).end()
    seconds = time.perf_counter() - began
    return Transfer(seconds, client, daemon.end(signal.SIGTERM))


def free_port() -> int:
    """A port that nobody listens on."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        return int(free.getsockname()[1])


def _await_port(port: int) -> None:
    until = time.monotonic() + 20
    while time.monotonic() < until:
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
            return
        time.sleep(0.01)
    raise InputError(f"rsync does not listen on port {port}")
