"""``/sign-in`` and ``/sign-out``: a form for the token, since a browser has no header to send it in."""

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable
from urllib.parse import parse_qsl

from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response
from starlette.routing import Route

from dwcp.serving.access import Access, Caller, QuietLog
from dwcp.serving.http.browsers import SIGN_IN, SIGN_OUT, cookie_of, forget_cookie, set_cookie
from dwcp.serving.http.sessions import Sessions
from dwcp.serving.page.document import PAGE
from dwcp.serving.page.form import FIELD, sign_in_form
from dwcp.serving.page.routes import HEADERS

__all__ = ["SignIn"]

_FORM = "application/x-www-form-urlencoded"
_WRONG = "No caller of this server has that token."
_CROWDED = "Too many wrong tokens are being tried. Try again in a second."
_WAIT_S = 1.0
"""How long a wrong token waits for its answer."""
_MOST_WAITING = 8
"""Wrong tokens that wait at once; more are sent away, so that waiting takes no room from right ones."""


class SignIn:
    """Lets browsers in by a caller's token.

    What they show is checked as a header is, and told apart from the token from then on: they keep a secret
    of their session. They are always led to the page, whatever they asked for.

    Args:
        access: who may ask.
        sessions: where browsers that signed in are kept.
        wait: waits so many seconds.
    """

    def __init__(
        self, access: Access, sessions: Sessions, wait: Callable[[float], Awaitable[None]] = asyncio.sleep
    ) -> None:
        self._access = access
        self._sessions = sessions
        self._wait = wait
        self._waiting = 0
        self._log = QuietLog(logging.getLogger("dwcp.serving.page"), time.monotonic, ("refused",))

    def routes(self) -> list[Route]:
        """The form, what becomes of it, and the way out."""
        return [
            Route(SIGN_IN, self._ask, methods=["GET"]),
            Route(SIGN_IN, self._enter, methods=["POST"]),
            Route(SIGN_OUT, self._leave, methods=["POST"]),
        ]

    async def _ask(self, request: Request) -> Response:
        if self._sessions.caller(_secret(request)) is not None:
            return _led(PAGE)
        return _form()

    async def _enter(self, request: Request) -> Response:
        caller = self._holder(request, await request.body())
        if caller is None:
            return await self._refused(request)
        self._sessions.end(_secret(request))
        answer = _led(PAGE)
        set_cookie(answer, request.scope, self._sessions.begin(caller))
        return answer

    async def _leave(self, request: Request) -> Response:
        self._sessions.end(_secret(request))
        answer = _led(SIGN_IN)
        forget_cookie(answer, request.scope)
        return answer

    def _holder(self, request: Request, body: bytes) -> Caller | None:
        if request.headers.get("content-type", "").partition(";")[0].strip().lower() != _FORM:
            return None
        try:
            fields = dict(parse_qsl(body, max_num_fields=8))
        except ValueError:
            return None
        return self._access.holder(fields.get(FIELD.encode(), b""))

    async def _refused(self, request: Request) -> Response:
        peer = request.client.host if request.client else "a Unix socket"
        self._log.warn("refused", f"a browser of {peer} that showed no known token was not let in")
        if self._waiting >= _MOST_WAITING:
            return _form(_CROWDED, 429, {"Retry-After": "1"})
        self._waiting += 1
        try:
            await self._wait(_WAIT_S)
        finally:
            self._waiting -= 1
        return _form(_WRONG, 401, {"WWW-Authenticate": "Bearer"})


def _secret(request: Request) -> str | None:
    return cookie_of(request.scope, dict(request.scope["headers"]))


def _led(path: str) -> Response:
    return RedirectResponse(path, 303, HEADERS)


def _form(fault: str = "", status: int = 200, headers: dict[str, str] | None = None) -> Response:
    return HTMLResponse(sign_in_form(SIGN_IN, fault), status, HEADERS | (headers or {}))
