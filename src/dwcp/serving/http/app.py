"""The application: the operations, the routes of others, and the gate before them."""

from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import Executor
from typing import Any

from msgspec import Struct, field
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route
from starlette.types import ASGIApp

from dwcp.errors import DwcpError
from dwcp.serving.access import Access, InFlight, Limits, Right
from dwcp.serving.http.browsers import Browsers
from dwcp.serving.http.failures import answer_error, answer_fault, answer_refusal, json_response
from dwcp.serving.http.gate import Gate, GuardedRoute, Paths
from dwcp.serving.http.models import ModelEndpoints
from dwcp.serving.http.openapi import PUBLIC, description
from dwcp.serving.http.operations import operations
from dwcp.serving.http.sessions import Sessions
from dwcp.serving.inference import Inference

__all__ = ["HttpSettings", "RouteGroup", "make_app"]


class RouteGroup(Struct, frozen=True):
    """Routes of others, served beside the operations.

    Attributes:
        routes: the routes; their bodies are read within the same limits.
        right: that a caller needs; None for whoever was let in.
        paths: their part of the description's ``paths``.
        schemas: their part of its ``components.schemas``.
        browsed: their paths that a browser may read that signed in.
        open: their paths for everybody, who may ask little there.
    """

    routes: Sequence[BaseRoute]
    right: Right | None = None
    paths: Mapping[str, Any] = {}
    schemas: Mapping[str, Any] = {}
    browsed: frozenset[str] = frozenset()
    open: frozenset[str] = frozenset()


class HttpSettings(Struct, frozen=True):
    """How the application serves.

    Attributes:
        access: who may ask over TCP.
        socket_access: who may ask over a Unix socket.
        limits: how much one may ask.
        hosts: names that a ``Host`` header over TCP may have, so that no name on the Internet that leads to
            this host opens it to a browser's pages; empty for any.
        inline_batch: largest batch that is computed without handing it to another thread.
        sessions: of browsers that signed in; None where there is no signing in.
    """

    access: Access
    socket_access: Access
    limits: Limits = field(default_factory=Limits)
    hosts: frozenset[str] = frozenset()
    inline_batch: int = 8
    sessions: Sessions | None = None


def make_app(
    inference: Inference,
    settings: HttpSettings,
    workers: Executor,
    in_flight: InFlight,
    more_routes: Sequence[RouteGroup] = (),
) -> ASGIApp:
    """An ASGI application.

    Args:
        inference: the models.
        settings: how to serve.
        workers: threads for what takes long.
        in_flight: counts requests at work; one for all front ends.
        more_routes: what else to serve.
    """
    tensors = settings.limits.tensors
    endpoints = ModelEndpoints(
        inference, tensors, workers, settings.inline_batch, lambda: in_flight.is_draining
    )
    table = operations(endpoints)
    routes: list[BaseRoute] = [
        GuardedRoute(Route(one.path, one.endpoint, methods=[one.method]), one.right) for one in table
    ]
    described = description(table)
    for group in more_routes:
        described["paths"] |= group.paths
        described["components"]["schemas"] |= group.schemas
    routes.append(Route("/openapi.json", _constant(described)))
    routes += [GuardedRoute(route, group.right) for group in more_routes for route in group.routes]
    handlers: Mapping[Any, Any] = {
        HTTPException: answer_refusal,
        DwcpError: answer_error,
        Exception: answer_fault,
    }
    app = Starlette(routes=routes, exception_handlers=handlers)
    app.router.redirect_slashes = False
    return Gate(
        app,
        settings.access,
        settings.socket_access,
        in_flight,
        settings.limits,
        Paths(frozenset(PUBLIC), _all(group.open for group in more_routes)),
        Browsers(settings.sessions, _all(group.browsed for group in more_routes)),
        settings.hosts,
    )


def _all(parts: Iterable[frozenset[str]]) -> frozenset[str]:
    return frozenset(path for part in parts for path in part)


def _constant(value: object) -> Any:
    async def endpoint(_request: Request) -> Response:
        return json_response(value)

    return endpoint
