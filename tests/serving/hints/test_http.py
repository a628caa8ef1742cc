"""The hints API over REST, and its description, which schemathesis holds it against."""

import asyncio
import json
from typing import Any

import httpx
import pytest
import schemathesis
from hypothesis import HealthCheck, given, settings
from jsonschema import Draft202012Validator
from schemathesis import GenerationMode
from schemathesis.checks import load_all_checks
from schemathesis.specs.openapi.checks import ignored_auth, positive_data_acceptance
from starlette.applications import Starlette
from starlette.responses import JSONResponse
from starlette.routing import Route

from dwcp.serving.hints import METHODS, Hints
from dwcp.serving.hints.examples import EXAMPLES
from dwcp.serving.hints.http import routes
from dwcp.serving.hints.openapi import openapi_paths, openapi_schemas
from dwcp.serving.hints.strings import base64_of

load_all_checks()
NOT_SAID = {"SelectPeer", "FindSimilarBlocks"}
"""That no two items have the same name is what no schema says."""
BOUNDED = settings(
    max_examples=8,
    database=None,
    deadline=None,
    derandomize=True,
    suppress_health_check=list(HealthCheck),
)


class Client:
    """Asks an application in this process."""

    def __init__(self, rules: Any) -> None:
        self._app = Starlette(routes=routes(Hints(rules)))

    def ask(self, method: str, path: str, **options: Any) -> httpx.Response:
        async def one() -> httpx.Response:
            transport = httpx.ASGITransport(self._app)
            async with httpx.AsyncClient(transport=transport, base_url="http://localhost") as client:
                return await client.request(method, path, **options)

        return asyncio.run(one())


@pytest.fixture
def client(rules: Any) -> Client:
    return Client(rules)


def post(client: Client, name: str, body: Any) -> tuple[int, Any]:
    content = body if isinstance(body, bytes) else json.dumps(body, default=base64_of).encode()
    answer = client.ask(
        "POST",
        f"/v1/hints/{name}",
        content=content,
        headers={"content-type": "application/json; charset=utf-8"},
    )
    return answer.status_code, answer.json()


@pytest.mark.parametrize("name", METHODS)
def test_answers_are_as_described(client: Client, name: str) -> None:
    status, body = post(client, name, {"context": EXAMPLES[name], "unit": None})
    assert status == 200
    schemas = {"components": {"schemas": openapi_schemas()}}
    Draft202012Validator({**schemas, "$ref": f"#/components/schemas/{name}Response"}).validate(body)


def test_bytes_are_base64(client: Client) -> None:
    status, body = post(client, "FindSimilarBlocks", {"context": EXAMPLES["FindSimilarBlocks"]})
    assert (status, body["action"]) == (200, {"bases": [base64_of(b"\xff" * 32)]})


def test_outcomes_are_recorded_once(client: Client, rules: Any) -> None:
    _, hint = post(client, "SelectCompression", {"context": EXAMPLES["SelectCompression"]})
    outcome = {"compression": {"stored_bytes": 30_000.0, "compress_ms": 3}}
    report = {"hint_id": hint["hint_id"], "outcome": outcome}
    told = [post(client, "RecordOutcome", one) for one in (report, report, {**report, "hint_id": "x"})]
    assert [status for status, _ in told] == [200, 409, 404]
    assert told[0][1] == {}
    assert "reported before" in told[1][1]["error"]
    assert rules.observed[0][3].stored_bytes == 30_000


def test_what_is_no_request_is_refused(client: Client, rules: Any) -> None:
    assert post(client, "TuneGossip", b"{")[0] == 400
    assert post(client, "TuneGossip", b"[" * 100_000)[0] == 400
    assert post(client, "TuneGossip", {"context": {}}) == (400, {"error": "context.nodes is missing"})
    assert post(client, "TuneGossip", {"contxt": {}})[1]["error"].startswith(
        "the request has no field 'contxt'"
    )
    assert (
        client.ask("POST", "/v1/hints/TuneGossip", headers={"content-type": "text/plain"}).status_code == 415
    )
    assert client.ask("GET", "/v1/hints/TuneGossip").status_code == 405
    rules.fails = True
    assert post(client, "TuneGossip", {"context": EXAMPLES["TuneGossip"]}) == (
        500,
        {"error": "the fallback failed"},
    )


def test_examples_of_the_description_are_requests(client: Client) -> None:
    for path, operation in openapi_paths().items():
        content = operation["post"]["requestBody"]["content"]["application/json"]
        if "example" in content:
            assert client.ask("POST", path, json=content["example"]).status_code == 200


@pytest.mark.slow
def test_a_fuzzer_finds_nothing(rules: Any) -> None:
    described = {
        "openapi": "3.1.0",
        "info": {"title": "hints", "version": "1"},
        "paths": openapi_paths(),
        "components": {
            "schemas": openapi_schemas(),
            "securitySchemes": {"token": {"type": "http", "scheme": "bearer"}},
        },
    }

    async def description(_request: Any) -> JSONResponse:
        return JSONResponse(described)

    app = Starlette(routes=[Route("/openapi.json", description), *routes(Hints(rules))])
    schema = schemathesis.openapi.from_asgi("/openapi.json", app)
    statuses: dict[str, set[int]] = {}
    for found in schema.get_all_operations():
        operation = found.ok()
        name = operation.path.rpartition("/")[2]
        unfit = [ignored_auth, *([positive_data_acceptance] if name in NOT_SAID else [])]
        good, bad = (operation.as_strategy(generation_mode=mode) for mode in GenerationMode)

        @BOUNDED
        @given(good | bad)
        def ask(case: Any) -> None:
            answer = case.call_and_validate(excluded_checks=unfit)  # noqa: B023
            statuses.setdefault(name, set()).add(answer.status_code)  # noqa: B023

        ask()
    assert set(statuses) == {*METHODS, "RecordOutcome"}
    assert all({200, 400} <= statuses[name] for name in METHODS)
    assert {400, 404} <= statuses["RecordOutcome"]
