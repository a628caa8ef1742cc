"""What goes wrong, as an answer: a status and one sentence in ``{"error": ...}``."""

from collections.abc import Mapping
from http import HTTPStatus

import orjson
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from dwcp.errors import ArtifactNotFoundError, DwcpError, InputError, RegistryError

__all__ = ["answer_error", "answer_failure", "answer_fault", "answer_refusal", "json_response"]

_STATUSES: tuple[tuple[type[DwcpError], int], ...] = (
    (InputError, 400),
    (ArtifactNotFoundError, 404),
    (RegistryError, 409),
)
_MAX_CHARACTERS = 1000
_SENTENCES = {
    404: "there is nothing at this path; /openapi.json tells what there is",
    405: "this path does not take that method; the Allow header tells which it takes",
}


def json_response(value: object, status: int = 200, headers: Mapping[str, str] | None = None) -> Response:
    """Anything that orjson writes, numpy arrays included."""
    content = orjson.dumps(value, option=orjson.OPT_SERIALIZE_NUMPY)
    return Response(content, status, headers, "application/json")


def answer_failure(status: int, sentence: str, headers: Mapping[str, str] | None = None) -> Response:
    """A status with its sentence on one line, cut where a caller's own words make it long."""
    return json_response({"error": " ".join(sentence.split())[:_MAX_CHARACTERS]}, status, headers)


async def answer_refusal(_request: Request, error: Exception) -> Response:
    """For what starlette, or an endpoint, refuses."""
    assert isinstance(error, HTTPException)
    # What an endpoint has to say is kept; starlette itself says the phrase of the status.
    is_phrase = error.detail == HTTPStatus(error.status_code).phrase
    sentence = _SENTENCES.get(error.status_code, error.detail) if is_phrase else error.detail
    return answer_failure(error.status_code, sentence, error.headers)


async def answer_error(_request: Request, error: Exception) -> Response:
    """For the package's own errors; those that may pass are 503."""
    assert isinstance(error, DwcpError)
    if error.retryable:
        return answer_failure(503, str(error), {"Retry-After": "1"})
    status = next((status for kind, status in _STATUSES if isinstance(error, kind)), 500)
    return answer_failure(status, str(error))


async def answer_fault(_request: Request, _error: Exception) -> Response:
    """For a fault of the program: what it was stands in the log alone."""
    return answer_failure(500, "a fault of the server; its log tells more")
