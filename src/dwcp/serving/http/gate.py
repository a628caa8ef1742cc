"""What stands before every route: who asks, whether there is room, and what becomes of faults."""

import logging
import re
import time
from collections.abc import Sequence

from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect
from starlette.responses import Response
from starlette.routing import BaseRoute, Match
from starlette.types import ASGIApp, Receive, Scope, Send

from dwcp.serving.access import Access, Caller, InFlight, Limits, QuietLog, Right
from dwcp.serving.http.body import BoundedBody, declared_bytes
from dwcp.serving.http.failures import answer_failure

__all__ = ["Gate", "GuardedRoute"]

_CALLER = "dwcp.caller"
_RETRY_S = "1"
_HOST = re.compile(r"(\[[0-9A-Fa-f:.]+\]|[^:@/\[\]]+)(?::[0-9]*)?")


class Gate:
    """Lets requests through to an application, or refuses them before a byte of their body is read.

    Args:
        app: the application.
        access: who may ask over TCP.
        socket_access: who may ask over a Unix socket.
        in_flight: counts what is at work.
        limits: how much one may ask.
        public: paths for everybody, always.
        hosts: names that a ``Host`` header over TCP may have; empty for any.
    """

    def __init__(
        self,
        app: ASGIApp,
        access: Access,
        socket_access: Access,
        in_flight: InFlight,
        limits: Limits,
        public: Sequence[str],
        hosts: frozenset[str],
    ) -> None:
        self._app = app
        self._access = access
        self._socket_access = socket_access
        self._in_flight = in_flight
        self._limits = limits
        self._public = frozenset(public)
        self._hosts = hosts
        kinds = ("refused", "busy", "fault")
        self._log = QuietLog(logging.getLogger("dwcp.serving.http"), time.monotonic, kinds)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request; see the ASGI specification."""
        if scope["type"] != "http":
            return
        headers = dict(scope["headers"])
        if scope["path"] in self._public:
            await self._serve(scope, BoundedBody(receive, headers, self._limits), send)
            return
        refusal = self._refusal(scope, headers)
        if refusal is None and not self._in_flight.enter():
            refusal = self._no_room()
        if refusal is not None:
            await refusal(scope, receive, send)
            return
        try:
            await self._serve(scope, BoundedBody(receive, headers, self._limits), send)
        finally:
            self._in_flight.leave()

    def _refusal(self, scope: Scope, headers: dict[bytes, bytes]) -> Response | None:
        """Why this request is not let in; None when it is, with its caller in the scope."""
        is_tcp = _is_tcp(scope)
        host = headers.get(b"host", b"").decode("latin-1")
        if is_tcp and self._hosts and _name(host) not in self._hosts:
            return answer_failure(403, "this host name is not the server's; ask it by the name it prints")
        origin = headers.get(b"origin")
        if origin is not None and origin.decode("latin-1").partition("://")[2] != host:
            return answer_failure(403, "pages of other sites may not ask this server")
        caller = (self._access if is_tcp else self._socket_access).caller(headers.get(b"authorization"))
        if caller is None:
            self._log.warn("refused", f"a request of {_peer(scope)} without a known token was refused")
            sentence = "a known token is needed: send it as Authorization: Bearer TOKEN"
            return answer_failure(401, sentence, {"WWW-Authenticate": "Bearer"})
        scope[_CALLER] = caller
        size = declared_bytes(headers)
        if size is not None and size > self._limits.max_body_bytes:
            most = self._limits.max_body_bytes
            return answer_failure(413, f"the body has {size} bytes; at most {most} are taken")
        return None

    def _no_room(self) -> Response:
        if self._in_flight.is_draining:
            return answer_failure(
                503, "the server is about to stop; ask another one", {"Connection": "close"}
            )
        self._log.warn("busy", "requests were refused, as too many are at work (--max-concurrent)")
        sentence = "too many requests are at work; ask again in a second"
        return answer_failure(429, sentence, {"Retry-After": _RETRY_S})

    async def _serve(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            await self._app(scope, receive, send)
        except ClientDisconnect:
            return
        except Exception as error:  # noqa: BLE001 - starlette has answered it already, and raises it for the log
            self._log.warn("fault", "a request ended in a fault of the program", error)


class GuardedRoute(BaseRoute):
    """A route for those who have a right.

    Args:
        route: the route.
        right: that a caller needs; None for whoever was let in.
    """

    def __init__(self, route: BaseRoute, right: Right | None) -> None:
        self._route = route
        self._right = right

    def matches(self, scope: Scope) -> tuple[Match, Scope]:
        """As the route."""
        return self._route.matches(scope)

    async def handle(self, scope: Scope, receive: Receive, send: Send) -> None:
        """As the route.

        Raises:
            HTTPException: the caller has not the right.
        """
        caller: Caller | None = scope.get(_CALLER)
        if caller is not None and not caller.may(self._right):
            raise HTTPException(403, f"{caller.name} has not the right {self._right}, which this needs")
        await self._route.handle(scope, receive, send)


def _is_tcp(scope: Scope) -> bool:
    server = scope.get("server")
    return server is None or server[1] is not None


def _name(host: str) -> str:
    """The name in a ``Host`` header, without its port; empty where it is none."""
    found = _HOST.fullmatch(host)
    return found[1].strip("[]").lower() if found else ""


def _peer(scope: Scope) -> str:
    client = scope.get("client")
    return client[0] if client else "a Unix socket"
