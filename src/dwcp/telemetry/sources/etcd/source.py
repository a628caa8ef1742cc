"""A live etcd as a source: one second after the other, whatever becomes of its members."""

import asyncio
import contextlib
import math
import queue
import ssl
import threading
import time
from collections.abc import AsyncGenerator, Callable, Iterator, Sequence
from random import Random

from dwcp.errors import ConnectionLostError, InputError
from dwcp.telemetry.sources.etcd.assembly import Assembler
from dwcp.telemetry.sources.etcd.client_log import ClientSecond
from dwcp.telemetry.sources.etcd.endpoint import Access, Endpoint, parse_endpoint
from dwcp.telemetry.sources.etcd.http import HttpClient
from dwcp.telemetry.sources.etcd.probe import Probe, Prober
from dwcp.telemetry.sources.etcd.scraper import DEADLINE_S, Scraper
from dwcp.telemetry.sources.etcd.seconds import Second

__all__ = ["EtcdSource", "http_clients", "ticks"]

_ROOM_SECONDS = 600
_TRIES = 3
_READ_PROBE = Probe()


class EtcdSource:
    """Reads a cluster each second; iterate over it, or over `stream` in an event loop of your own.

    Iterating runs an event loop in a thread, so that what takes the seconds never delays what measures them.
    Seconds that are not taken wait; beyond ten minutes' worth the oldest go.

    Args:
        endpoints: each member's address for clients; a member's number is its place, from 1.
        access: certificates and user, where the cluster asks for them.
        probe: what tells how clients fare; None for nothing, and then those columns stay empty.
        seed: of the probe's timing.
        clock: seconds since 1970.

    Raises:
        InputError: no endpoint, one twice, or certificates that cannot be used.
    """

    def __init__(
        self,
        endpoints: Sequence[str],
        *,
        access: Access | None = None,
        probe: Probe | None = _READ_PROBE,
        seed: int = 0,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self.endpoints = tuple(parse_endpoint(text) for text in endpoints)
        if not self.endpoints or len(set(self.endpoints)) < len(self.endpoints):
            raise InputError("give each member's endpoint once, such as http://10.0.0.1:2379")
        self.complaints: tuple[str, ...] = ()
        """Of members that do not answer the scrape or the probe as they should: endpoint and reason."""
        self._access = access or Access()
        self._context = self._access.context() if any(e.encrypted for e in self.endpoints) else None
        self._probe = probe
        self._seed = seed
        self._clock = clock

    def __iter__(self) -> Iterator[Second]:
        """One second after the other, without end; closing the iterator ends the reading.

        Raises:
            ConnectionLostError: at first no member answers, three times; later that is a row.
        """
        room: queue.Queue[Second | BaseException] = queue.Queue(_ROOM_SECONDS)
        runner = asyncio.Runner(loop_factory=asyncio.new_event_loop)
        loop = runner.get_loop()
        ended = asyncio.Event()
        thread = threading.Thread(
            target=self._run, args=(runner, room, ended), name="etcd-source", daemon=True
        )
        thread.start()
        try:
            while True:
                found = room.get()
                if isinstance(found, BaseException):
                    raise found
                yield found
        finally:
            loop.call_soon_threadsafe(ended.set)
            thread.join()

    async def stream(self) -> AsyncGenerator[Second, None]:
        """As iterating, within the running event loop."""
        clients = http_clients(self.endpoints, self._context)
        scraper = Scraper(clients, DEADLINE_S)
        assembler = Assembler(tuple(clients))
        prober = Prober(clients, self._probe or _READ_PROBE, self._access, Random(self._seed))
        probing = asyncio.create_task(prober.run()) if self._probe else None
        try:
            await self._meet(scraper)
            async for ts, lag_ms in ticks(self._clock):
                if probing and probing.done():
                    probing.result()
                client = prober.log.take(time.monotonic()) if probing else ClientSecond()
                readings = await scraper.scrape()
                self.complaints = (*scraper.complaints.values(), *prober.complaints.values())
                yield assembler.assemble(ts, readings, client, loop_lag_ms=lag_ms)
        finally:
            if probing:
                probing.cancel()
                with contextlib.suppress(asyncio.CancelledError):
                    await probing
            for one in clients.values():
                await one.close()

    async def _meet(self, scraper: Scraper) -> None:
        for _ in range(_TRIES):
            if any((await scraper.scrape()).values()):
                return
        why = "; ".join(scraper.complaints.values())
        raise ConnectionLostError(f"no member of etcd answers ({why}); check the endpoints")

    def _run(
        self, runner: asyncio.Runner, room: "queue.Queue[Second | BaseException]", ended: asyncio.Event
    ) -> None:
        with runner:
            runner.run(self._fill(room, ended))

    async def _fill(self, room: "queue.Queue[Second | BaseException]", ended: asyncio.Event) -> None:
        taking = asyncio.create_task(self._take(room))
        ending = asyncio.create_task(ended.wait())
        await asyncio.wait((taking, ending), return_when=asyncio.FIRST_COMPLETED)
        if failure := taking.exception() if taking.done() else None:
            _put(room, failure)
        taking.cancel()
        await asyncio.gather(taking, return_exceptions=True)
        await ending

    async def _take(self, room: "queue.Queue[Second | BaseException]") -> None:
        async with contextlib.aclosing(self.stream()) as seconds:
            async for second in seconds:
                _put(room, second)


def _put(room: "queue.Queue[Second | BaseException]", found: Second | BaseException) -> None:
    """Never waits: what is oldest goes."""
    with contextlib.suppress(queue.Empty):
        if room.full():
            room.get_nowait()
    room.put_nowait(found)


def http_clients(
    endpoints: Sequence[Endpoint], context: ssl.SSLContext | None = None
) -> dict[int, HttpClient]:
    """A client of each endpoint, by the member's number."""
    return {number: HttpClient(endpoint, context) for number, endpoint in enumerate(endpoints, 1)}


async def ticks(clock: Callable[[], float]) -> AsyncGenerator[tuple[int, float], None]:
    """Each whole second as it comes, with how late in ms; seconds that passed meanwhile are left out."""
    due = math.floor(clock()) + 1
    while True:
        await asyncio.sleep(max(0.0, due - clock()))
        now = clock()
        yield due, (now - due) * 1e3
        due = max(due + 1, math.floor(clock()) + 1)
