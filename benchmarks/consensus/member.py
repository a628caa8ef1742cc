"""One etcd process: started, stopped, killed and started again."""

import os
import signal
import subprocess
from contextlib import suppress

from benchmarks.consensus import cgroups
from benchmarks.consensus.network import PEER_PORT, inside
from benchmarks.consensus.places import Places

CLIENT_PORT = 2379


class Member:
    """A member of the cluster.

    Args:
        places: of the cluster.
        number: from 1.
        members: how many there are.
    """

    def __init__(self, places: Places, number: int, members: int) -> None:
        self.number = number
        self.endpoint = f"http://{places.address(number)}:{CLIENT_PORT}"
        self._places = places
        self._words = self._command(members)
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def pid(self) -> int:
        """Of the process; 0 where none runs."""
        if self._process is None or self._process.poll() is not None:
            return 0
        return self._process.pid

    def start(self) -> None:
        """Start it, on the data it had."""
        if not self.pid:
            with self._places.log(self.number).open("ab") as log:
                self._process = subprocess.Popen(
                    self._words, stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True
                )

    def kill(self) -> None:
        """As if the power failed."""
        self._tell(signal.SIGKILL)
        if self._process is not None:
            self._process.wait()

    def stop(self) -> None:
        """Let it stand still."""
        self._tell(signal.SIGSTOP)

    def go_on(self) -> None:
        """Let it run again."""
        self._tell(signal.SIGCONT)

    def _tell(self, number: int) -> None:
        if self.pid:
            with suppress(ProcessLookupError):
                os.kill(self.pid, number)

    def _command(self, members: int) -> list[str]:
        places, number = self._places, self.number
        peer = {one: f"http://{places.address(one)}:{PEER_PORT}" for one in range(1, members + 1)}
        options = {
            "name": f"n{number}",
            "data-dir": str(places.mount(number) / "data"),
            "listen-peer-urls": peer[number],
            "initial-advertise-peer-urls": peer[number],
            "listen-client-urls": self.endpoint,
            "advertise-client-urls": self.endpoint,
            "initial-cluster": ",".join(f"n{one}={url}" for one, url in peer.items()),
            "initial-cluster-token": places.prefix,
            "auto-compaction-mode": "periodic",
            "auto-compaction-retention": "1m",
            "snapshot-count": "5000",
            "quota-backend-bytes": str(256 << 20),
            "log-level": "warn",
            "logger": "zap",
        }
        etcd = inside(places, number, "etcd", *(f"--{name}={value}" for name, value in options.items()))
        return [*cgroups.enter(places.member_cgroup(number)), *etcd]
