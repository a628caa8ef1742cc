"""Runs wrk, and reads what it measured."""

import json
import shutil
import subprocess
from pathlib import Path
from typing import NamedTuple

from dwcp.errors import InputError
from serving_bodies import Question

__all__ = ["Load", "is_here", "load", "read_result"]

SCRIPT = """
function init(arguments)
  wrk.method = "POST"
  for line in io.lines(arguments[1]) do
    local name, value = line:match("^([^:]+): (.*)$")
    wrk.headers[name] = value
  end
  local file = io.open(arguments[2], "rb")
  wrk.body = file:read("*a")
  file:close()
end

function done(summary, latency, requests)
  local failed = summary.errors
  io.write(string.format(
    'RESULT {"requests": %d, "seconds": %f, "p50_ms": %f, "p99_ms": %f, "refused": %d, "lost": %d}\\n',
    summary.requests, summary.duration / 1e6, latency:percentile(50) / 1e3, latency:percentile(99) / 1e3,
    failed.status, failed.connect + failed.read + failed.write + failed.timeout))
end
"""
_MARK = "RESULT "


class Load(NamedTuple):
    """What came of many requests.

    Attributes:
        requests: that were answered.
        seconds: that it took.
        p50_ms: half of the answers took no longer.
        p99_ms: all but a hundredth.
        refused: answers with a status of 400 or above.
        lost: requests without an answer.
    """

    requests: int
    seconds: float
    p50_ms: float
    p99_ms: float
    refused: int
    lost: int

    @property
    def per_s(self) -> float:
        """Answers a second."""
        return self.requests / self.seconds if self.seconds else 0.0


def is_here() -> bool:
    """Whether wrk is installed."""
    return shutil.which("wrk") is not None


def load(url: str, question: Question, connections: int, seconds: int, folder: Path) -> Load:
    """Ask the same over and over, from one thread.

    Args:
        url: of the server.
        question: what is asked.
        connections: open at once.
        seconds: how long.
        folder: for wrk's files.

    Raises:
        InputError: wrk failed.
    """
    files = [folder / name for name in ("wrk.lua", "headers", "body")]
    headers = "".join(f"{name}: {value}\n" for name, value in question.headers.items())
    for file, content in zip(files, (SCRIPT.encode(), headers.encode(), question.body), strict=True):
        file.write_bytes(content)
    command = ["wrk", "-t1", f"-c{connections}", f"-d{seconds}s", "--timeout", "10s", "-s", str(files[0])]
    command += [url + question.path, "--", *map(str, files[1:])]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    return read_result(done.stdout, done.stderr)


def read_result(printed: str, complaints: str = "") -> Load:
    """What wrk printed with the script above.

    Raises:
        InputError: there is no result in it.
    """
    for line in printed.splitlines():
        if line.startswith(_MARK):
            return Load(**json.loads(line.removeprefix(_MARK)))
    raise InputError(f"wrk measured nothing: {(complaints or printed).strip()[-200:] or 'it said nothing'}")
