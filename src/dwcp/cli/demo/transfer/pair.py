"""Two processes, one that receives and one that sends; both have ended when the call returns."""

import json
import os
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from dwcp.cli.demo.transfer.route import Route
from dwcp.cli.demo.transfer.tidying import held_back, tidy
from dwcp.errors import TransferError

__all__ = ["Ended", "Program", "Running", "Start", "carry"]

_LOOK_S = 0.01
_SHOWN = 200
_PATIENCE_S = 2.0
"""How long a process that was asked to end may go on."""


@dataclass(frozen=True, slots=True)
class Ended:
    """What a process ended with: exit status, and all that it said."""

    status: int
    out: str
    err: str


class Running(Protocol):
    """A process that was started."""

    def first_line(self, until_s: float) -> str:
        """The first line of its output, when it is whole; empty if it ends before or takes too long."""

    def wait(self, until_s: float) -> Ended | None:
        """What it ended with; None if it still runs at that time."""

    def end(self) -> None:
        """Have it end, if it still runs."""


Start = Callable[[Sequence[str], Mapping[str, str], Path], Running]
"""Starts a command with variables beside the environment's own; what it says goes to files at a path."""


class Program:
    """A process of the operating system: the `Start` that is not a test's.

    Raises:
        TransferError: it cannot be started.
    """

    def __init__(self, words: Sequence[str], environment: Mapping[str, str], log: Path) -> None:
        self._out, self._err = log.with_suffix(".out"), log.with_suffix(".err")
        try:
            with self._out.open("wb") as out, self._err.open("wb") as err:
                self._process = subprocess.Popen(
                    words,
                    stdin=subprocess.DEVNULL,
                    stdout=out,
                    stderr=err,
                    env={**os.environ, **environment},
                    # Ctrl-C on the terminal is for the demo, which ends what it started.
                    start_new_session=True,
                )
        except OSError as error:
            raise TransferError(f"{words[0]} cannot be started: {error.strerror or error}") from error

    def first_line(self, until_s: float) -> str:
        """See `Running`."""
        while True:
            has_ended = self._process.poll() is not None
            line, whole, _ = _text(self._out).partition("\n")
            if whole:
                return line
            if has_ended or time.monotonic() >= until_s:
                return ""
            time.sleep(_LOOK_S)

    def wait(self, until_s: float) -> Ended | None:
        """See `Running`."""
        with suppress(subprocess.TimeoutExpired):
            status = self._process.wait(max(until_s - time.monotonic(), 0.0))
            return Ended(status, _text(self._out), _text(self._err))
        return None

    def end(self) -> None:
        """See `Running`."""
        for ask in (self._process.terminate, self._process.kill):
            if self._process.poll() is None:
                ask()
            with suppress(subprocess.TimeoutExpired):
                self._process.wait(_PATIENCE_S)


def carry(
    route: Route,
    receive: Sequence[str],
    send: Sequence[str],
    environment: Mapping[str, str],
    log: Path,
    until_s: float,
    start: Start = Program,
) -> tuple[dict[str, Any], dict[str, Any]]:
    """Start a receiver, then a sender with the receiver's address as its last word, and wait for both.

    Args:
        route: where they run.
        receive: words of ``dwcp receive`` that listens, tells of it in JSON, and ends after one transfer.
        send: words of ``dwcp send`` or ``dwcp sync`` that tells its result in JSON.
        environment: variables for both.
        log: a new folder, for what they say.
        until_s: when both must have ended, on the monotonic clock.
        start: starts a process.

    Returns:
        What the sender and what the receiver told of the transfer.

    Raises:
        TransferError: it did not succeed; says what went wrong.
    """
    log.mkdir(parents=True)
    with tidy() as stack:
        with held_back():
            receiver = start(route.far.command(*receive), environment, log / "receiver")
            stack.callback(receiver.end)
        address = _address(receiver, until_s)
        with held_back():
            sender = start(route.near.command(*send, address), environment, log / "sender")
            stack.callback(sender.end)
        sent = _told(_result(sender, "sender", until_s), "sender")
        last_line = _result(receiver, "receiver", until_s).strip().rpartition("\n")[2]
        return sent, _told(last_line, "receiver")


def _address(receiver: Running, until_s: float) -> str:
    line = receiver.first_line(until_s)
    if not line:
        _result(receiver, "receiver", until_s)
    address = _object(line).get("address")
    if not isinstance(address, str):
        raise TransferError(f"the receiver does not say where it listens: {line[:_SHOWN]!r}")
    return address


def _result(program: Running, who: str, until_s: float) -> str:
    ended = program.wait(until_s)
    if ended is None:
        raise TransferError(f"the {who} took too long and was ended")
    if ended.status:
        last = ended.err.strip().rpartition("\n")[2].removeprefix("dwcp: ")
        raise TransferError(f"the {who} ended with status {ended.status}: {last or 'it did not say why'}")
    return ended.out


def _told(text: str, who: str) -> dict[str, Any]:
    if told := _object(text):
        return told
    raise TransferError(f"the {who} told no JSON object but {text[:_SHOWN]!r}")


def _object(text: str) -> dict[str, Any]:
    with suppress(ValueError):
        value = json.loads(text)
        if isinstance(value, dict):
            return value
    return {}


def _text(file: Path) -> str:
    return file.read_text(encoding="utf-8", errors="replace")
