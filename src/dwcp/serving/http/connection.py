"""One HTTP connection that cannot be held open for nothing: uvicorn's, with limits on heads and slowness.

uvicorn reads heads of any length and for any time, and waits for ever for a client that does not read its
answer. Every state of a connection has a time here: reading a head, resting between requests, reading an
answer, sending a body that nobody reads any more.
"""

import asyncio
from collections.abc import Callable
from typing import Any

import orjson
from uvicorn.config import Config
from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol
from uvicorn.server import ServerState

from dwcp.serving.access import Limits

__all__ = ["Connection", "connections_within"]

_MAX_LINGER_S = 2.0
"""How long at most the rest of a body is read and dropped once it is refused: closing at once would reset the
connection, and the answer could be lost on its way."""


def connections_within(limits: Limits) -> type["Connection"]:
    """A protocol for uvicorn with these limits.

    Args:
        limits: of heads, times and connections.
    """

    class Limited(Connection):
        """With the limits of one server."""

        def __init__(
            self,
            config: Config,
            server_state: ServerState,
            app_state: dict[str, Any],
            _loop: asyncio.AbstractEventLoop | None = None,
        ) -> None:
            super().__init__(config, server_state, app_state, _loop)
            self.limits = limits

    return Limited


class Connection(HttpToolsProtocol):
    """See the module; `connections_within` gives it its limits."""

    limits = Limits()
    _timer: asyncio.TimerHandle | None = None
    _reads_head = True
    _reads_body = False
    _head_bytes = 0

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Begin, or end at once where there are too many."""
        super().connection_made(transport)
        if len(self.connections) > self.limits.max_connections:
            self._refuse(503, "too many connections are open; try again in a second")
            return
        self._within(self.limits.header_timeout_s, self._head_is_late)

    def connection_lost(self, exc: Exception | None) -> None:
        """End."""
        self._at_rest()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Read on, unless a head has become too long."""
        if self.transport.is_closing():
            return
        if self._reads_head:
            self._head_bytes += len(data)
            if self._timer is None:
                # Not even an empty line may keep a resting connection open.
                self._within(self.limits.header_timeout_s, self._head_is_late)
        super().data_received(data)
        if self._reads_head and self._head_bytes > self.limits.max_header_bytes:
            self._refuse(431, _too_long(self.limits))

    def on_headers_complete(self) -> None:
        """The head is read: from now on the application's times hold.

        Raises:
            ValueError: it is too long; httptools then ends the connection.
        """
        size = len(self.url) + sum(len(name) + len(value) + 4 for name, value in self.headers)
        if size > self.limits.max_header_bytes:
            self._refuse(431, _too_long(self.limits))
            raise ValueError(size)
        self._at_rest()
        self._reads_head, self._head_bytes, self._reads_body = False, 0, True
        super().on_headers_complete()

    def on_message_complete(self) -> None:
        """The request is read."""
        super().on_message_complete()
        self._reads_head, self._reads_body = True, False
        if self.cycle.response_complete:
            self._within(self.limits.idle_timeout_s, self.timeout_keep_alive_handler)

    def on_response_complete(self) -> None:
        """Rest, or read away what is left of a refused body; not for ever."""
        super().on_response_complete()
        if self.transport.is_closing():
            self._within(self.limits.body_timeout_s, self.transport.abort)
        elif self._reads_body:
            self._unset_keepalive_if_required()
            self._within(self._linger_s, self.transport.abort)

    def timeout_keep_alive_handler(self) -> None:
        """It rested too long."""
        super().timeout_keep_alive_handler()
        self._within(self._linger_s, self.transport.abort)

    def pause_writing(self) -> None:
        """The answer is not being read."""
        super().pause_writing()
        self._within(self.limits.body_timeout_s, self.transport.abort)

    def resume_writing(self) -> None:
        """It is being read again."""
        super().resume_writing()
        self._at_rest()

    def send_400_response(self, msg: str) -> None:  # noqa: ARG002 - said in the words of this server
        """What cannot be read as HTTP."""
        self._refuse(400, "this is not HTTP as it should be")

    @property
    def _linger_s(self) -> float:
        return min(_MAX_LINGER_S, self.limits.idle_timeout_s)

    def _head_is_late(self) -> None:
        if self._head_bytes:
            self._refuse(408, f"the request did not arrive within {self.limits.header_timeout_s:g} s")
        else:
            self.transport.close()

    def _refuse(self, status: int, sentence: str) -> None:
        if self.transport.is_closing():
            return
        content = orjson.dumps({"error": sentence})
        head = b"content-type: application/json\r\nconnection: close\r\ncontent-length: %d\r\n\r\n"
        self.transport.write(STATUS_LINE[status] + head % len(content) + content)
        self.transport.close()
        self._within(self._linger_s, self.transport.abort)

    def _within(self, seconds: float, otherwise: Callable[[], None]) -> None:
        self._at_rest()
        self._timer = self.loop.call_later(seconds, otherwise)

    def _at_rest(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None


def _too_long(limits: Limits) -> str:
    return f"the request's head is longer than the {limits.max_header_bytes} bytes that are taken"
