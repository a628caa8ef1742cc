"""What stands before every route: who asks, whether there is room, and what becomes of faults."""

import logging
import re
import time

from msgspec import Struct
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect
from starlette.responses import Response
from starlette.routing import BaseRoute, Match
from starlette.types import ASGIApp, Receive, Scope, Send

from dwcp.serving.access import Access, Caller, InFlight, Limits, QuietLog, Right
from dwcp.serving.http.body import BoundedBody, declared_bytes
from dwcp.serving.http.browsers import Browsers
from dwcp.serving.http.failures import answer_failure

__all__ = ["Gate", "GuardedRoute", "Paths", "caller_of"]

_CALLER = "dwcp.caller"
_RETRY_S = "1"
_MOST_STRANGERS = 32
"""Requests on open paths at once. They take no room from callers with a token."""
_FOR_STRANGERS = Limits(max_body_bytes=4096, body_timeout_s=5.0)
_HOST = re.compile(r"(\[[0-9A-Fa-f:.]+\]|[^:@/\[\]]+)(?::[0-9]*)?")


class Paths(Struct, frozen=True):
    """Paths that one needs no token for.

    Attributes:
        public: for everybody, always, whatever else is going on.
        open: for everybody who asks as a page of this server would: few bodies at once, and small ones.
    """

    public: frozenset[str] = frozenset()
    open: frozenset[str] = frozenset()


class Gate:
    """Lets requests through to an application, or refuses them before a byte of their body is read.

    Args:
        app: the application.
        access: who may ask over TCP.
        socket_access: who may ask over a Unix socket.
        in_flight: counts what is at work.
        limits: how much one may ask.
        paths: that one needs no token for.
        browsers: lets in those that signed in.
        hosts: names that a ``Host`` header over TCP may have; empty for any.
    """

    def __init__(
        self,
        app: ASGIApp,
        access: Access,
        socket_access: Access,
        in_flight: InFlight,
        limits: Limits,
        paths: Paths,
        browsers: Browsers,
        hosts: frozenset[str],
    ) -> None:
        self._app = app
        self._access = access
        self._socket_access = socket_access
        self._in_flight = in_flight
        self._limits = limits
        self._paths = paths
        self._browsers = browsers
        self._hosts = hosts
        self._strangers = InFlight(_MOST_STRANGERS)
        kinds = ("refused", "busy", "fault")
        self._log = QuietLog(logging.getLogger("dwcp.serving.http"), time.monotonic, kinds)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request; see the ASGI specification."""
        if scope["type"] != "http":
            return
        headers = dict(scope["headers"])
        if scope["path"] in self._paths.public:
            await self._serve(scope, BoundedBody(receive, headers, self._limits), send)
            return
        is_open = scope["path"] in self._paths.open
        lane = self._strangers if is_open else self._in_flight
        limits = _FOR_STRANGERS if is_open else self._limits
        refusal = self._foreign(scope, headers)
        if refusal is None and not is_open:
            refusal = self._unknown(scope, headers)
        refusal = refusal or _too_large(headers, limits) or self._no_room(lane)
        if refusal is not None:
            await refusal(scope, receive, send)
            return
        try:
            await self._serve(scope, BoundedBody(receive, headers, limits), send)
        finally:
            lane.leave()

    def _foreign(self, scope: Scope, headers: dict[bytes, bytes]) -> Response | None:
        """Why another site's page, or name, must not ask this; None when neither does."""
        host = headers.get(b"host", b"").decode("latin-1")
        if _is_tcp(scope) and self._hosts and _name(host) not in self._hosts:
            return answer_failure(403, "this host name is not the server's; ask it by the name it prints")
        origin = headers.get(b"origin")
        if origin is not None and origin.decode("latin-1").partition("://")[2] != host:
            return answer_failure(403, "pages of other sites may not ask this server")
        return None

    def _unknown(self, scope: Scope, headers: dict[bytes, bytes]) -> Response | None:
        """Why this caller is not let in; None when they are, and then they are in the scope."""
        access = self._access if _is_tcp(scope) else self._socket_access
        caller = access.caller(headers.get(b"authorization")) or self._browsers.caller(scope, headers)
        if caller is not None:
            scope[_CALLER] = caller
            return None
        if form := self._browsers.form(scope, headers):
            return form
        self._log.warn("refused", f"a request of {_peer(scope)} without a known token was refused")
        sentence = "a known token is needed: send it as Authorization: Bearer TOKEN"
        return answer_failure(401, sentence, {"WWW-Authenticate": "Bearer"})

    def _no_room(self, lane: InFlight) -> Response | None:
        """Why this request cannot be served now; None when it may begin, and then it has been counted."""
        if self._in_flight.is_draining:
            return answer_failure(
                503, "the server is about to stop; ask another one", {"Connection": "close"}
            )
        if lane.enter():
            return None
        why = "--max-concurrent" if lane is self._in_flight else "none of them with a token"
        self._log.warn("busy", f"requests were refused, as too many are at work ({why})")
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
        caller = caller_of(scope)
        if caller is not None and not caller.may(self._right):
            raise HTTPException(403, f"{caller.name} has not the right {self._right}, which this needs")
        await self._route.handle(scope, receive, send)


def caller_of(scope: Scope) -> Caller | None:
    """Who asks; None on paths for everybody."""
    caller: Caller | None = scope.get(_CALLER)
    return caller


def _is_tcp(scope: Scope) -> bool:
    server = scope.get("server")
    return server is None or server[1] is not None


def _name(host: str) -> str:
    """The name in a ``Host`` header, without its port; empty where it is none."""
    found = _HOST.fullmatch(host)
    return found[1].strip("[]").lower() if found else ""


def _too_large(headers: dict[bytes, bytes], limits: Limits) -> Response | None:
    size = declared_bytes(headers)
    if size is None or size <= limits.max_body_bytes:
        return None
    return answer_failure(413, f"the body has {size} bytes; at most {limits.max_body_bytes} are taken")


def _peer(scope: Scope) -> str:
    client = scope.get("client")
    return client[0] if client else "a Unix socket"
