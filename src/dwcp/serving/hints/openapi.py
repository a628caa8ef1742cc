"""The hints API as fragments of an OpenAPI 3.1 description, made from the table of methods."""

from collections.abc import Iterator
from http import HTTPStatus
from typing import Any

import msgspec
import orjson

from dwcp.serving.hints.examples import EXAMPLES
from dwcp.serving.hints.methods import ANSWERS, METHODS, RECORD_OUTCOME, REPORT, REQUESTS
from dwcp.serving.hints.records import Record
from dwcp.serving.hints.shapes import ListOf, Schema, Shape
from dwcp.serving.hints.strings import base64_of
from dwcp.serving.http.messages import Failed

__all__ = ["PATH", "openapi_paths", "openapi_schemas"]

_TYPE = "application/json"
PATH = "/v1/hints/{method}"
_FAILURES = (400, 401, 403, 408, 413, 415, 429, 500, 501, 503)
_OF_REPORT = (404, 409)


def openapi_paths() -> dict[str, Any]:
    """The description's ``paths``: one for each method, with what it takes and gives."""
    paths = {
        _path(one.name): {"post": _operation(one.name, one.meaning, REQUESTS[one.name], ANSWERS[one.name])}
        for one in METHODS.values()
    }
    meaning = "Report what came of a hint, once: its task learns from it."
    paths[_path(RECORD_OUTCOME)] = {"post": _operation(RECORD_OUTCOME, meaning, REPORT, None)}
    return paths


def openapi_schemas() -> dict[str, Schema]:
    """The description's ``components.schemas``, by name."""
    _, failed = msgspec.json.schema_components([Failed], ref_template="#/components/schemas/{name}")
    schemas = dict(failed)
    for record in (*REQUESTS.values(), *ANSWERS.values(), REPORT):
        schemas |= {one.name: one.own_schema() for one in _within(record)}
    return schemas


def _path(method: str) -> str:
    return PATH.replace("{method}", method)


def _within(shape: Shape) -> Iterator[Record]:
    """A record with all that its members are made of."""
    if isinstance(shape, ListOf):
        yield from _within(shape.item)
    if isinstance(shape, Record):
        yield shape
        for member in shape.members:
            yield from _within(member.shape)


def _operation(name: str, meaning: str, request: Record, answer: Record | None) -> dict[str, Any]:
    good = {"type": "object", "additionalProperties": False} if answer is None else answer.schema()
    statuses = sorted({*_FAILURES, *(_OF_REPORT if answer is None else ())})
    failures = {
        str(status): {
            "description": HTTPStatus(status).phrase,
            "content": _json({"$ref": "#/components/schemas/Failed"}),
        }
        for status in statuses
    }
    return {
        "operationId": name,
        "summary": meaning,
        "security": [{}, {"token": []}],
        "requestBody": {"required": True, "content": {_TYPE: {"schema": request.schema()} | _example(name)}},
        "responses": {"200": {"description": "Done", "content": _json(good)}, **failures},
    }


def _json(schema: Schema) -> dict[str, Any]:
    return {_TYPE: {"schema": schema}}


def _example(name: str) -> Schema:
    context = EXAMPLES.get(name)
    if context is None:
        return {}
    return {"example": orjson.loads(orjson.dumps({"context": context}, default=base64_of))}
