"""The table of everything that is served here: routes, rights and the description are made from it."""

from collections.abc import Awaitable, Callable
from typing import Any

from msgspec import Struct
from starlette.requests import Request
from starlette.responses import Response

from dwcp.serving.access import Right
from dwcp.serving.http.messages import (
    InferAnswer,
    InferRequest,
    Live,
    LoadRequest,
    ModelLine,
    ModelReady,
    ModelTold,
    Ready,
    RepositoryFilter,
    ServerTold,
)
from dwcp.serving.http.models import ModelEndpoints

__all__ = ["Operation", "operations"]

_MODEL = "/v2/models/{name}"
_VERSION = "/v2/models/{name}/versions/{version}"
_REPOSITORY = "/v2/repository/models/{name}"

Endpoint = Callable[[Request], Awaitable[Response]]


class Operation(Struct, frozen=True):
    """One method on one path.

    Attributes:
        method: ``GET`` or ``POST``.
        path: with its parameters in braces.
        title: what it does, in a few words.
        endpoint: does it.
        answer: type of the answer; None where it has no body.
        request: type of the body; None where none is read.
        right: needed for it; None for what everybody may who was let in.
        failures: statuses of its own that an error may have.
    """

    method: str
    path: str
    title: str
    endpoint: Endpoint
    answer: Any
    request: Any = None
    right: Right | None = None
    failures: tuple[int, ...] = ()


def operations(models: ModelEndpoints) -> tuple[Operation, ...]:
    """All of them, in the order of the description."""
    infer, admin = Right.INFER, Right.ADMIN
    return (
        Operation("GET", "/v2/health/live", "Is the server alive", models.live, Live),
        Operation("GET", "/v2/health/ready", "Is it ready", models.ready, Ready, None, None, (503,)),
        Operation("GET", "/v2", "What the server is", models.server, ServerTold),
        Operation("GET", "/v2/", "What the server is", models.server, ServerTold),
        *_of_model(_MODEL, "the model in service", models),
        *_of_model(_VERSION, "a version of a model", models),
        Operation(
            *("POST", "/v2/repository/index", "List the models", models.index),
            *(list[ModelLine], RepositoryFilter, infer, (400, 413, 415)),
        ),
        Operation(
            *("POST", f"{_REPOSITORY}/load", "Put a model in service", models.load),
            *(None, LoadRequest, admin, (400, 404, 409, 413, 415)),
        ),
        Operation(
            *("POST", f"{_REPOSITORY}/unload", "Take a model out of service", models.unload),
            *(None, LoadRequest, admin, (400, 404, 409, 413, 415)),
        ),
    )


def _of_model(path: str, what: str, models: ModelEndpoints) -> tuple[Operation, ...]:
    infer = Right.INFER
    return (
        Operation("GET", path, f"Describe {what}", models.metadata, ModelTold, None, infer, (404,)),
        Operation(
            "GET",
            f"{path}/ready",
            f"Is {what} ready",
            models.model_ready,
            ModelReady,
            None,
            infer,
            (404, 503),
        ),
        Operation(
            *("POST", f"{path}/infer", f"Ask {what}", models.infer),
            *(InferAnswer, InferRequest, infer, (400, 404, 411, 413, 415)),
        ),
    )
