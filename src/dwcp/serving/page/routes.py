"""``/``: the page, the part of it that changes, and its two static files."""

from importlib.resources import files

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from dwcp.serving.http.browsers import SIGN_OUT
from dwcp.serving.http.gate import caller_of
from dwcp.serving.metrics import Observed
from dwcp.serving.metrics.cached import Cached
from dwcp.serving.page.data import PageData
from dwcp.serving.page.document import LIVE, PAGE, SCRIPT, content, document
from dwcp.serving.page.frame import STYLE
from dwcp.serving.page.snapshot import snapshot

__all__ = ["BROWSED", "HEADERS", "OPEN", "routes"]

_KEEP_S = 1.0

BROWSED = frozenset({PAGE, LIVE, SCRIPT})
"""Paths for browsers that signed in."""
OPEN = frozenset({STYLE})
"""Paths for everybody: the form for signing in looks like the page."""

HEADERS = {
    "Content-Security-Policy": (
        "default-src 'none'; style-src 'self'; script-src 'self'; connect-src 'self'; img-src data:; "
        "base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
    ),
    "Referrer-Policy": "same-origin",
    "X-Content-Type-Options": "nosniff",
    "Cache-Control": "no-store",
}
"""With every answer: nothing from elsewhere, nothing inline, and never an old page.

Browsers send a form's origin along only where the policy for the referrer lets them; the gate looks at it.
"""


def routes(observed: Observed) -> list[Route]:
    """The page's routes. Drawing happens in a thread of its own, once a second however many look on.

    Args:
        observed: what is looked at.
    """
    whole = Cached(lambda: document(_data(observed)), _KEEP_S, observed.steady_clock)
    signed_in = Cached(lambda: document(_data(observed), SIGN_OUT), _KEEP_S, observed.steady_clock)
    part = Cached(lambda: content(_data(observed)), _KEEP_S, observed.steady_clock)

    def page(request: Request) -> Response:
        caller = caller_of(request.scope)
        return _html((signed_in if caller is not None and caller.signed_in else whole).get())

    def live(_request: Request) -> Response:
        return _html(part.get())

    return [
        Route(PAGE, page, methods=["GET"]),
        Route(LIVE, live, methods=["GET"]),
        _static(STYLE, "style.css", "text/css"),
        _static(SCRIPT, "live.js", "text/javascript"),
    ]


def _data(observed: Observed) -> PageData:
    return snapshot(observed, observed.clock())


def _html(text: str | None) -> Response:
    return Response(text, headers=HEADERS, media_type="text/html")


def _static(path: str, name: str, media_type: str) -> Route:
    found = files("dwcp.serving.page").joinpath("static", name).read_bytes()

    async def answer(_request: Request) -> Response:
        return Response(found, headers=HEADERS, media_type=media_type)

    return Route(path, answer, methods=["GET"])
