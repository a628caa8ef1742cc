"""Serving: uvicorn on several sockets at once, and an end in good order."""

import asyncio
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

from starlette.types import ASGIApp
from uvicorn import Config, Server

from dwcp.serving.access import InFlight, Limits
from dwcp.serving.http.connection import connections_within
from dwcp.serving.http.sockets import Listener

__all__ = ["HttpServer"]

_POLL_S = 0.02


class HttpServer:
    """Serves an application until it is told to drain.

    Args:
        app: the application.
        listeners: where; closed at the end.
        in_flight: counts requests at work.
        limits: of connections.
    """

    def __init__(
        self, app: ASGIApp, listeners: Sequence[Listener], in_flight: InFlight, limits: Limits
    ) -> None:
        self._in_flight = in_flight
        self._listeners = tuple(listeners)
        config = Config(
            app,
            http=connections_within(limits),
            interface="asgi3",
            ws="none",
            lifespan="off",
            log_config=None,
            log_level="critical",
            access_log=False,
            proxy_headers=False,
            server_header=False,
            timeout_keep_alive=limits.idle_timeout_s,  # type: ignore[arg-type]  # any number will do
            timeout_graceful_shutdown=1,
        )
        self._server = _Uvicorn(config, self._listeners, limits.header_timeout_s)

    @property
    def addresses(self) -> list[str]:
        """Where it listens, as clients are given it."""
        return [listener.address for listener in self._listeners]

    async def serve(self, drain: asyncio.Event, drain_s: float, begun: Callable[[], None]) -> bool:
        """Serve until ``drain`` is set, then until the last request at work has ended.

        Meanwhile readiness is false, and new requests are refused.

        Args:
            drain: tells that the end has come.
            drain_s: longest that requests at work are waited for.
            begun: called once connections are answered.

        Returns:
            Whether no request was cut off.
        """
        serving = asyncio.create_task(self._server.serve())
        try:
            while not (self._server.started or serving.done()):
                await asyncio.sleep(_POLL_S)
            if not serving.done():
                begun()
            await _first(serving, drain)
            self._in_flight.drain()
            is_clean = await self._at_rest(drain_s)
            self._server.should_exit = True
            self._server.force_exit = not is_clean
            await serving
            return is_clean
        finally:
            for listener in self._listeners:
                listener.close()

    async def _at_rest(self, drain_s: float) -> bool:
        loop = asyncio.get_running_loop()
        until = loop.time() + drain_s
        while self._in_flight.count:
            if loop.time() >= until:
                return False
            await asyncio.sleep(_POLL_S)
        return True


class _Uvicorn(Server):
    """uvicorn on sockets that are bound already, some with TLS and some without; signals are others' work."""

    def __init__(self, config: Config, sockets: Sequence[Listener], handshake_timeout_s: float) -> None:
        super().__init__(config)
        self._sockets = sockets
        self._handshake_timeout_s = handshake_timeout_s

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield

    async def startup(self, sockets: object = None) -> None:  # noqa: ARG002 - those of the start are used
        loop = asyncio.get_running_loop()

        def connect() -> asyncio.Protocol:
            return self.config.http_protocol_class(  # type: ignore[call-arg]
                config=self.config, server_state=self.server_state, app_state={}
            )

        self.servers = [
            await loop.create_server(
                connect,
                sock=listener.sock,
                ssl=listener.tls,
                ssl_handshake_timeout=None if listener.tls is None else self._handshake_timeout_s,
            )
            for listener in self._sockets
        ]
        self.started = True


async def _first(serving: "asyncio.Task[None]", drain: asyncio.Event) -> None:
    waiting = asyncio.create_task(drain.wait())
    try:
        await asyncio.wait((serving, waiting), return_when=asyncio.FIRST_COMPLETED)
    finally:
        waiting.cancel()
