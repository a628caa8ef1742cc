"""Serving in the foreground: what is said, and what signals do."""

import asyncio
import os
import signal
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from typing import Protocol

from dwcp.cli.failures import Status
from dwcp.cli.interrupts import leave
from dwcp.cli.output import note, print_json_line
from dwcp.cli.session import Session
from dwcp.serving.http import HttpServer

__all__ = ["Beside", "Told", "serve_until_told"]


class Beside(Protocol):
    """A server that runs beside the one for HTTP, in threads of its own."""

    @property
    def addresses(self) -> Sequence[str]:
        """Where it listens."""
        ...

    def start(self) -> None:
        """Answer from now on."""
        ...

    def stop(self, grace_s: float) -> None:
        """Take no more, and wait for what is at work, so long at most."""
        ...


class Told:
    """Says what happens: as words beside the result, or as lines of JSON.

    Args:
        session: whether to say anything.
        json: whether as JSON.
    """

    def __init__(self, session: Session, *, json: bool) -> None:
        self._session = session
        self._json = json

    def say(self, event: str, words: str, **facts: object) -> None:
        """One event.

        Args:
            event: its name.
            words: it as a sentence.
            facts: it as values.
        """
        # Serving goes on when whoever read this has gone.
        with suppress(OSError):
            if self._json:
                print_json_line({"event": event, **facts})
            else:
                note(self._session, words)


async def serve_until_told(
    server: HttpServer,
    beside: Sequence[Beside],
    begin: Callable[[], Awaitable[None]],
    told: Told,
    drain_s: float,
) -> Status:
    """Serve until the first signal, then until all requests at work have ended; a second one ends at once.

    Args:
        server: for HTTP.
        beside: other servers.
        begin: what is done once connections are answered: loading models; cut short at the end.
        told: says what happens.
        drain_s: longest that requests at work are waited for.

    Returns:
        Whether all of them ended.
    """
    drain = asyncio.Event()
    _on_signals(drain, told)
    addresses = [*server.addresses, *(f"grpc:{address}" for one in beside for address in one.addresses)]
    tasks: list[asyncio.Future[None]] = []

    def begun() -> None:
        for one in beside:
            one.start()
        told.say("listening", f"listening on {', '.join(addresses)}", addresses=addresses, pid=os.getpid())
        tasks.append(asyncio.ensure_future(begin()))

    is_clean = await server.serve(drain, drain_s, begun)
    for one in beside:
        await asyncio.to_thread(one.stop, drain_s if is_clean else 0.0)
    for task in tasks:
        task.cancel()
    what = "all requests ended" if is_clean else f"requests were cut off after {drain_s:g} s"
    told.say("stopped", f"stopped: {what}", clean=is_clean)
    return Status.DONE if is_clean else Status.SHORT


def _on_signals(drain: asyncio.Event, told: Told) -> None:
    def end() -> None:
        if drain.is_set():
            leave(Status.INTERRUPTED)
        told.say("draining", "stopping once the requests at work have ended; again to stop at once")
        drain.set()

    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, end)
