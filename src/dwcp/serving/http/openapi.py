"""The OpenAPI 3.1 description of what is served, made from the table of operations."""

import re
from collections.abc import Sequence
from http import HTTPStatus
from typing import Any

import msgspec

import dwcp
from dwcp.serving.http.infer import HEADER_LENGTH
from dwcp.serving.http.messages import Failed, InferRequest
from dwcp.serving.http.operations import Operation

__all__ = ["PUBLIC", "description"]

PUBLIC = ("/v2/health/live", "/v2/health/ready")
"""Paths that nobody needs a token for, as probes have none."""

_REFERENCES = "#/components/schemas/{name}"
_ALWAYS = (401, 403, 408, 429, 500, 503)
_PARAMETER = re.compile(r"\{(\w+)\}")


def description(operations: Sequence[Operation]) -> dict[str, Any]:
    """The description as JSON values.

    Args:
        operations: all of them.
    """
    kinds = [kind for one in operations for kind in (one.request, one.answer) if kind is not None]
    _, schemas = msgspec.json.schema_components([*kinds, Failed], ref_template=_REFERENCES)
    paths: dict[str, dict[str, Any]] = {}
    for one in operations:
        paths.setdefault(one.path, {})[one.method.lower()] = _operation(one)
    return {
        "openapi": "3.1.0",
        "info": {"title": "dwcp serve", "version": dwcp.__version__, "license": {"name": "Apache-2.0"}},
        "paths": paths,
        "components": {
            "schemas": schemas,
            "securitySchemes": {"token": {"type": "http", "scheme": "bearer"}},
        },
    }


def _operation(one: Operation) -> dict[str, Any]:
    told: dict[str, Any] = {
        "operationId": f"{one.method} {one.path}",
        "summary": one.title,
        "responses": _answers(one),
        "security": [] if one.path in PUBLIC else [{}, {"token": []}],
    }
    parameters = [
        {"name": name, "in": "path", "required": True, "schema": {"type": "string"}}
        for name in _PARAMETER.findall(one.path)
    ]
    if one.request is InferRequest:
        parameters.append(_header_length())
    if parameters:
        told["parameters"] = parameters
    if one.request is not None:
        told["requestBody"] = {"required": one.request is InferRequest, "content": _content(one.request)}
    return told


def _answers(one: Operation) -> dict[str, Any]:
    good: dict[str, Any] = {"description": "Done"}
    if one.answer is not None:
        good["content"] = _content(one.answer)
    failures = {str(status): _failure(status) for status in sorted({*_ALWAYS, *one.failures})}
    if one.method == "GET" and 503 in one.failures:
        # Not ready is said in the answer's own words.
        failures["503"] = {"description": "Not ready", "content": _content(one.answer, Failed)}
    return {"200": good, **failures}


def _failure(status: int) -> dict[str, Any]:
    return {"description": HTTPStatus(status).phrase, "content": _content(Failed)}


def _content(*kinds: Any) -> dict[str, Any]:
    """JSON of one of the kinds."""
    schemas, _ = msgspec.json.schema_components(kinds, ref_template=_REFERENCES)
    return {"application/json": {"schema": schemas[0] if len(schemas) == 1 else {"anyOf": list(schemas)}}}


def _header_length() -> dict[str, Any]:
    return {
        "name": HEADER_LENGTH,
        "in": "header",
        "required": False,
        "description": "Bytes of the JSON, where binary tensors follow it.",
        "schema": {"type": "integer", "minimum": 1},
    }
