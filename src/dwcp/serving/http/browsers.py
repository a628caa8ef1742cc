"""What browsers may do, which send no token by themselves: sign in, read the page, sign out."""

from typing import Any

from starlette.requests import cookie_parser
from starlette.responses import RedirectResponse, Response
from starlette.types import Scope

from dwcp.serving.access import Caller
from dwcp.serving.http.sessions import SESSION_S, Sessions

__all__ = ["SIGN_IN", "SIGN_OUT", "Browsers", "cookie_of", "forget_cookie", "set_cookie"]

SIGN_IN = "/sign-in"
SIGN_OUT = "/sign-out"
_READING = ("GET", "HEAD")


class Browsers:
    """Lets browsers that signed in read some paths, and leads the others to the form.

    A cookie comes along with whatever a browser is made to ask, so it never lets in what changes anything.

    Args:
        sessions: those that signed in; None where there is no signing in.
        paths: that they may read.
    """

    def __init__(self, sessions: Sessions | None, paths: frozenset[str]) -> None:
        self._sessions = sessions
        self._paths = paths

    def caller(self, scope: Scope, headers: dict[bytes, bytes]) -> Caller | None:
        """Whose browser asks; None for nobody's, and where a cookie does not count.

        Args:
            scope: of the request.
            headers: the request's, by name in small letters.
        """
        if self._sessions is None or not self._is_readable(scope) or b"authorization" in headers:
            return None
        return self._sessions.caller(cookie_of(scope, headers))

    def form(self, scope: Scope, headers: dict[bytes, bytes]) -> Response | None:
        """Where a person is led who may not read this yet; None for programs."""
        if self._sessions is None or not self._is_readable(scope) or b"authorization" in headers:
            return None
        is_person = b"text/html" in headers.get(b"accept", b"").lower()
        return RedirectResponse(SIGN_IN, 303, {"Cache-Control": "no-store"}) if is_person else None

    def _is_readable(self, scope: Scope) -> bool:
        return scope["path"] in self._paths and scope["method"] in _READING


def cookie_of(scope: Scope, headers: dict[bytes, bytes]) -> str | None:
    """The secret in a request's cookie, if there is one."""
    given = headers.get(b"cookie", b"").decode("latin-1")
    return cookie_parser(given).get(_name(scope))


def set_cookie(answer: Response, scope: Scope, secret: str) -> None:
    """Have the browser keep a secret for as long as its session, from scripts and from other sites' pages."""
    answer.set_cookie(_name(scope), secret, max_age=int(SESSION_S), **_terms(scope))


def forget_cookie(answer: Response, scope: Scope) -> None:
    """Have the browser forget it."""
    answer.delete_cookie(_name(scope), **_terms(scope))


def _name(scope: Scope) -> str:
    """One a port: browsers do not tell the ports of a host apart. ``__Host-`` shuts out other hosts, too."""
    _, port = scope.get("server") or ("", None)
    return f"{'__Host-' if _is_encrypted(scope) else ''}dwcp_session_{port}"


def _terms(scope: Scope) -> dict[str, Any]:
    return {"path": "/", "secure": _is_encrypted(scope), "httponly": True, "samesite": "strict"}


def _is_encrypted(scope: Scope) -> bool:
    return bool(scope["scheme"] == "https")
