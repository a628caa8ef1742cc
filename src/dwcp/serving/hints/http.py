"""The hints API over REST: ``POST /v1/hints/{method}`` with the fields as JSON.

The JSON is protobuf's mapping of ``dwcp.v1.Hints`` in meaning, with these choices: names of fields are those
of the .proto (``step_s``, not ``stepS``), enumerations are told by name, bytes are base64 with padding,
integers are JSON numbers, null is as good as left out, and unknown fields are refused.
"""

from typing import Any

import orjson
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from dwcp.serving.hints.methods import METHODS, RECORD_OUTCOME
from dwcp.serving.hints.openapi import PATH
from dwcp.serving.hints.service import Hints, Refusal, Refused
from dwcp.serving.hints.strings import base64_of
from dwcp.serving.http.failures import answer_failure

__all__ = ["routes"]

_TYPE = "application/json"
_STATUSES = {
    Refusal.INVALID: 400,
    Refusal.UNKNOWN_HINT: 404,
    Refusal.ALREADY_REPORTED: 409,
    Refusal.FAILED: 500,
    Refusal.NO_SUCH_TASK: 501,
}


def routes(hints: Hints) -> list[Route]:
    """A route for each method; who may ask, and how much, is for what stands before them.

    Args:
        hints: answers; share one with gRPC, so that an outcome can be reported over either.
    """
    return [
        Route(PATH.replace("{method}", name), _endpoint(hints, name), methods=["POST"])
        for name in (*METHODS, RECORD_OUTCOME)
    ]


def _endpoint(hints: Hints, method: str) -> Any:
    async def endpoint(request: Request) -> Response:
        kind = request.headers.get("content-type", _TYPE).partition(";")[0].strip().lower()
        if kind != _TYPE:
            return answer_failure(415, f"a body of this type is not read here; send {_TYPE}")
        try:
            asked = orjson.loads(await request.body())
        except orjson.JSONDecodeError as error:
            return answer_failure(400, f"the body is no JSON: {str(error)[:200]}")
        answer = await run_in_threadpool(hints.call, method, asked)
        if isinstance(answer, Refused):
            return answer_failure(_STATUSES[answer.refusal], answer.sentence)
        return Response(orjson.dumps(answer.body, default=base64_of), media_type=_TYPE)

    return endpoint
