"""The OpenAPI description: whole, and true under whatever a fuzzer makes of it."""

import pytest
import schemathesis
from hypothesis import HealthCheck, given, settings
from schemathesis import GenerationMode
from schemathesis.checks import load_all_checks
from schemathesis.specs.openapi.checks import ignored_auth, positive_data_acceptance

from dwcp.serving.http.openapi import PUBLIC

load_all_checks()
UNFIT = [positive_data_acceptance, ignored_auth]
"""No schema says that data must be as long as its shape multiplied; and there are no tokens here."""

BOUNDED = settings(
    max_examples=10,
    database=None,
    deadline=None,
    derandomize=True,
    suppress_health_check=list(HealthCheck),
)


def test_every_operation_is_described(asgi):
    told = asgi.get("/openapi.json").json()
    assert told["openapi"].startswith("3.1")
    assert set(PUBLIC) <= set(told["paths"])
    assert "post" in told["paths"]["/v2/models/{name}/versions/{version}/infer"]
    assert "InferRequest" in told["components"]["schemas"]


@pytest.mark.slow
def test_a_fuzzer_finds_nothing(asgi):
    schema = schemathesis.openapi.from_asgi("/openapi.json", asgi.app)
    statuses = set()
    for found in schema.get_all_operations():
        strategies = [found.ok().as_strategy(generation_mode=mode) for mode in GenerationMode]

        @BOUNDED
        @given(strategies[0] | strategies[1])
        def ask(case):
            statuses.add(case.call_and_validate(excluded_checks=UNFIT).status_code)

        ask()
    assert {200, 400, 404} <= statuses
