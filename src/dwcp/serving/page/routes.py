"""``/``: the page, the part of it that changes, and its two static files."""

from importlib.resources import files

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from dwcp.serving.metrics import Observed
from dwcp.serving.metrics.cached import Cached
from dwcp.serving.page.data import PageData
from dwcp.serving.page.document import LIVE, SCRIPT, STYLE, content, document
from dwcp.serving.page.snapshot import snapshot

__all__ = ["HEADERS", "routes"]

_KEEP_S = 1.0

HEADERS = {
    "Content-Security-Policy": (
        "default-src 'none'; style-src 'self'; script-src 'self'; connect-src 'self'; img-src data:; "
        "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    ),
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "Cache-Control": "no-store",
}
"""With every answer: nothing from elsewhere, nothing inline, and never an old page."""


def routes(observed: Observed) -> list[Route]:
    """The page's routes. Drawing happens in a thread of its own, once a second however many look on.

    Args:
        observed: what is looked at.
    """
    whole = Cached(lambda: document(_data(observed)), _KEEP_S, observed.steady_clock)
    part = Cached(lambda: content(_data(observed)), _KEEP_S, observed.steady_clock)

    def page(_request: Request) -> Response:
        return _html(whole.get())

    def live(_request: Request) -> Response:
        return _html(part.get())

    return [
        Route("/", page, methods=["GET"]),
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
