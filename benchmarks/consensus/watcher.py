"""``dwcp watch etcd`` as its user runs it: a process of its own, each line with the time it came."""

import asyncio
import json
import os
import signal
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from dwcp.errors import InputError

_END_S = 10.0


@dataclass(frozen=True, slots=True)
class Line:
    """What the watcher said.

    Attributes:
        came_s: when the line was there, seconds since 1970.
        told: the line itself: ``event``, and what belongs to it.
    """

    came_s: float
    told: dict[str, Any]


def command(endpoints: Sequence[str], registry: Path | None) -> list[str]:
    """The words of the watcher.

    Args:
        endpoints: of every member.
        registry: folder of the models; None judges by the rules, as the home is a new one.
    """
    named = ["--registry", str(registry.resolve())] if registry else []
    program = str(Path(sys.executable).with_name("dwcp"))
    return [program, "watch", "etcd", "--endpoints", ",".join(endpoints), "--json", *named]


class Watcher:
    """Runs until it is cancelled, and then ends as by Ctrl-C.

    Args:
        words: the command.
        home: of the command; should be empty, so that nothing is known from before.
    """

    def __init__(self, words: Sequence[str], home: Path) -> None:
        self.lines: list[Line] = []
        self._words = words
        self._home = home

    @property
    def said(self) -> str:
        """What it wrote to standard error so far."""
        log = self._log
        return log.read_text(encoding="utf-8", errors="replace").strip() if log.exists() else ""

    async def run(self) -> None:
        """Take down each line.

        Raises:
            InputError: the watcher ended by itself, or said what is no JSON.
        """
        environment = {**os.environ, "DWCP_HOME": str(self._home)}
        with self._log.open("wb") as log:
            process = await asyncio.create_subprocess_exec(
                *self._words,
                stdin=asyncio.subprocess.DEVNULL,
                stdout=asyncio.subprocess.PIPE,
                stderr=log,
                env=environment,
                start_new_session=True,
            )
        try:
            await self._read(process)
            status = await process.wait()
            raise InputError(f"the watcher ended by itself with status {status}: {self.said}")
        finally:
            await self._end(process)

    @property
    def _log(self) -> Path:
        return self._home / "watcher.log"

    async def _read(self, process: asyncio.subprocess.Process) -> None:
        assert process.stdout is not None
        async for line in process.stdout:
            try:
                self.lines.append(Line(time.time(), json.loads(line)))
            except ValueError as error:
                raise InputError(f"the watcher said what is no JSON: {line[:80]!r}") from error

    async def _end(self, process: asyncio.subprocess.Process) -> None:
        if process.returncode is not None:
            return
        process.send_signal(signal.SIGINT)
        try:
            async with asyncio.timeout(_END_S):
                await self._read(process)
                await process.wait()
        except TimeoutError:
            process.kill()
            await process.wait()
