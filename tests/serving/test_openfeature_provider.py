import importlib
import json
import sys

import pytest

pytest.importorskip("openfeature")

from openfeature import api
from openfeature.evaluation_context import EvaluationContext
from openfeature.exception import ErrorCode
from openfeature.flag_evaluation import Reason

from dwcp.errors import ExtraMissingError
from dwcp.safety.flags import FlagsFile
from dwcp.safety.rollout import KillSwitches, Metric, Rollout, Start, usual_plan
from dwcp.serving.openfeature_provider import DwcpProvider

UNITS = [f"link-{number}" for number in range(300)]
METRICS = set(Metric)


@pytest.fixture
def rollout(tmp_path) -> Rollout:
    return Rollout(tmp_path, "compression")


@pytest.fixture
def client(tmp_path, rollout):
    path = tmp_path / "flags.json"
    path.write_text(json.dumps({"v3RolloutPercentage": 60, "enableHybridMode": False}))
    api.set_provider(DwcpProvider(FlagsFile(path), {"compression": rollout}))
    yield api.get_client()
    api.shutdown()
    api.clear_providers()


def begin(rollout, stages: int) -> None:
    plan = usual_plan(METRICS, waves=(("eu",),))
    rollout.start(Start("1.1.0", "1.0.0", plan), METRICS, now=1e9, who="ann", why="x")
    for _ in range(stages):
        rollout.advance(None, now=1e9, who="ann", why="x")


def at(unit: str, region: str = "eu") -> EvaluationContext:
    return EvaluationContext(unit, {"region": region})


def test_flags_are_static(client):
    found = client.get_boolean_details("enableHybridMode", True)
    assert (found.value, found.variant, found.reason) == (False, "off", Reason.STATIC)
    assert client.get_boolean_value("enableV3Compression", False) is True
    found = client.get_integer_details("v3RolloutPercentage", 1)
    assert (found.value, found.variant, found.reason) == (60, "60", Reason.STATIC)
    assert client.get_float_value("v3RolloutPercentage", 1.0) == 60.0
    assert client.get_object_value("dwcp.flags", {})["enableHybridMode"] is False


def test_without_a_rollout_the_callers_default_stands(client):
    found = client.get_string_details("dwcp.compression.version", "mine", at("a"))
    assert (found.value, found.reason, found.error_code) == ("mine", Reason.DEFAULT, None)


def test_a_rollout_splits_units_as_the_server_does(client, rollout):
    begin(rollout, 3)
    seen = set()
    for unit in UNITS:
        found = client.get_boolean_details("dwcp.compression.candidate", False, at(unit))
        arm = rollout.arm(unit, "eu").arm
        assert (found.variant, found.reason, found.value) == (arm, Reason.SPLIT, arm == "candidate")
        version = client.get_string_value("dwcp.compression.version", "", at(unit))
        assert version == ("1.1.0" if found.value else "1.0.0")
        seen.add(found.value)
    assert seen == {True, False}
    told = client.get_object_value("dwcp.compression.rollout", {}, at(UNITS[0]))
    assert (told["stage"], told["percent"], told["shadowed"]) == ("share_50", 50, False)
    elsewhere = client.get_boolean_details("dwcp.compression.candidate", False, at("a", "us"))
    assert elsewhere.reason == Reason.DEFAULT


@pytest.mark.parametrize(("stages", "value"), [(0, False), (5, True)])
def test_where_the_region_alone_decides_the_reason_says_so(stages, value, client, rollout):
    begin(rollout, stages)
    found = client.get_boolean_details("dwcp.compression.candidate", not value, at("a"))
    assert (found.value, found.reason) == (value, Reason.TARGETING_MATCH)


def test_a_kill_switch_is_stronger_than_the_callers_default(client, rollout, tmp_path):
    begin(rollout, 5)
    KillSwitches(tmp_path).engage("compression", now=1.0, who="ann", why="odd answers")
    rollout.poll()
    found = client.get_boolean_details("dwcp.compression.candidate", True, at("a"))
    assert (found.value, found.reason) == (False, Reason.DISABLED)
    assert "odd answers" in found.flag_metadata["why"]
    assert client.get_object_value("dwcp.compression.rollout", {}, at("a"))["candidate"] is False


@pytest.mark.parametrize(
    ("ask", "key", "context", "code"),
    [
        ("boolean", "oops", at("a"), ErrorCode.FLAG_NOT_FOUND),
        ("boolean", "dwcp.bandwidth.candidate", at("a"), ErrorCode.FLAG_NOT_FOUND),
        ("boolean", "dwcp.compression.oops", at("a"), ErrorCode.FLAG_NOT_FOUND),
        ("boolean", "dwcp.compression.candidate", None, ErrorCode.TARGETING_KEY_MISSING),
        (
            "boolean",
            "dwcp.compression.candidate",
            EvaluationContext("a", {"region": 3}),
            ErrorCode.INVALID_CONTEXT,
        ),
        ("boolean", "dwcp.compression.version", at("a"), ErrorCode.TYPE_MISMATCH),
        ("integer", "dwcp.compression.candidate", at("a"), ErrorCode.TYPE_MISMATCH),
        ("integer", "forceV1Mode", None, ErrorCode.TYPE_MISMATCH),
        ("object", "dwcp.compression.version", at("a"), ErrorCode.TYPE_MISMATCH),
        ("string", "v3RolloutPercentage", None, ErrorCode.TYPE_MISMATCH),
    ],
)
def test_what_cannot_be_answered_is_an_error_with_its_code_and_the_default(
    ask, key, context, code, client, rollout
):
    begin(rollout, 1)
    default = {"boolean": True, "integer": 7, "object": {"mine": 1}, "string": "mine"}[ask]
    found = getattr(client, f"get_{ask}_details")(key, default, context)
    assert (found.value, found.reason, found.error_code) == (default, Reason.ERROR, code)
    assert found.error_message


def test_without_the_sdk_one_sentence_says_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "openfeature.provider", None)
    monkeypatch.delitem(sys.modules, "dwcp.serving.openfeature_provider")
    with pytest.raises(ExtraMissingError, match=r"pip install 'dwcp\[openfeature\]'"):
        importlib.import_module("dwcp.serving.openfeature_provider")
