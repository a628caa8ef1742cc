"""The hints API over gRPC."""

from typing import Any

import grpc
import pytest
from google.protobuf.message_factory import GetMessageClass

from dwcp.serving.grpc.hints import SERVICE, plain_of
from dwcp.serving.hints import METHODS
from dwcp.serving.hints.examples import EXAMPLES
from dwcp.serving.protocol import hints_pb2
from dwcp.tasks.bandwidth import contract as bandwidth
from dwcp.tasks.compression import contract as compression
from dwcp.tasks.prefetch import contract as prefetch


def call(channel: grpc.Channel, name: str, **fields: Any) -> Any:
    """An answer of the service, as any generated stub would get it."""
    method = SERVICE.methods_by_name[name]
    stub = channel.unary_unary(
        f"/{SERVICE.full_name}/{name}",
        request_serializer=GetMessageClass(method.input_type).SerializeToString,
        response_deserializer=GetMessageClass(method.output_type).FromString,
    )
    return stub(GetMessageClass(method.input_type)(**fields), timeout=20.0)


def failure(channel: grpc.Channel, name: str, **fields: Any) -> tuple[str, str]:
    with pytest.raises(grpc.RpcError) as raised:
        call(channel, name, **fields)
    return raised.value.code().name, raised.value.details()


@pytest.mark.parametrize("name", METHODS)
def test_every_task_answers_or_says_why_not(channel: grpc.Channel, served: Any, name: str) -> None:
    request = {"context": EXAMPLES[name], "unit": "node-7", "region": "eu"}
    if METHODS[name].task not in ("peers", "gossip"):
        answer = call(channel, name, **request)
        assert answer.reason == hints_pb2.FALLBACK_NO_MODEL
        assert answer.detail == "this advisor has no models"
        assert answer.hint_id
        assert answer.HasField("action")
        assert not answer.HasField("model")
    else:
        code, sentence = failure(channel, name, **request)
        assert (code, sentence[:16]) == ("UNIMPLEMENTED", "there is no task")
    assert served.advisor.asked == [(METHODS[name].task, "node-7", "eu")]


def test_what_is_missing_is_none_in_the_contract(channel: grpc.Channel, served: Any) -> None:
    steps = [{"throughput_mbps": 0.0}, {"rtt_ms": 3.0, "app_limited": True}]
    context = {"steps": steps, "step_s": 1.0, "epoch_s": 0.0, "regime": "HYBRID"}
    answer = call(channel, "PredictBandwidth", context=context)
    outcome = {"bandwidth": {"steps": [{"throughput_mbps": 1.0}]}}
    call(channel, "RecordOutcome", hint_id=answer.hint_id, outcome=outcome)
    ((task, seen, action, told),) = served.advisor.observed
    expected = bandwidth.Step(0.0), bandwidth.Step(None, rtt_ms=3.0, app_limited=True)
    assert (task, seen) == ("bandwidth", bandwidth.Context(expected, 1.0, 0.0, regime="hybrid"))
    assert action.next_step.mid == answer.action.next_step.mid
    assert told == bandwidth.Outcome((bandwidth.Step(1.0),))


def test_what_was_done_instead_is_learned_from(channel: grpc.Channel, served: Any) -> None:
    answer = call(channel, "SelectCompression", context=EXAMPLES["SelectCompression"])
    outcome = {"compression": {"stored_bytes": 9, "compress_ms": 0.5}}
    report = {"hint_id": answer.hint_id, "outcome": outcome}
    not_there = {"compression": {"codec": "delta", "level": 3}}
    code, sentence = failure(channel, "RecordOutcome", **report, taken=not_there)
    assert (code, sentence) == (
        "INVALID_ARGUMENT",
        "what was done could not be done under the hint's context",
    )
    call(channel, "RecordOutcome", **report, taken={"compression": {"codec": "lz4"}})
    assert [one[2:] for one in served.advisor.observed] == [
        (compression.Action("lz4"), compression.Outcome(9, 0.5))
    ]


def test_blocks_are_numbers_or_names(channel: grpc.Channel, served: Any) -> None:
    context = {"recent": [{"number": 0}, {"name": "a1"}], "next_children": [{"name": "b2"}]}
    answer = call(channel, "PrefetchBlocks", context=context)
    assert [plain_of(block) for block in answer.action.blocks] == [{"name": "b2"}]
    call(
        channel,
        "RecordOutcome",
        hint_id=answer.hint_id,
        outcome={"prefetch": {"accessed": [{"number": 0}]}},
    )
    ((_, seen, action, outcome),) = served.advisor.observed
    assert seen == prefetch.Context((0, "a1"), next_children=("b2",))
    assert (action, outcome) == (prefetch.Action(("b2",)), prefetch.Outcome((0,)))


def test_an_outcome_is_reported_once(channel: grpc.Channel) -> None:
    hint_id = call(channel, "DetectAnomaly", context=EXAMPLES["DetectAnomaly"]).hint_id
    report = {"hint_id": hint_id, "outcome": {"reliability": {"alarmed": False, "kind": "QUIET"}}}
    other = {"hint_id": hint_id, "outcome": {"consensus": {"alarmed": False}}}
    assert failure(channel, "RecordOutcome", **other)[0] == "INVALID_ARGUMENT"
    call(channel, "RecordOutcome", **report)
    assert failure(channel, "RecordOutcome", **report)[0] == "ALREADY_EXISTS"
    assert failure(channel, "RecordOutcome", **{**report, "hint_id": "none"})[0] == "NOT_FOUND"


@pytest.mark.parametrize(
    ("context", "sentence"),
    [
        ({"epoch_s": 1.0}, "context.step_s is missing"),
        ({"step_s": 1.0, "epoch_s": float("nan")}, "context.epoch_s is nan; it must be from 0 to"),
        ({"step_s": 1.0, "epoch_s": 1.0, "regime": 9}, "context.regime takes one of UNKNOWN"),
        (
            {"step_s": 1.0, "epoch_s": 1.0, "steps": [{}, {"packet_loss": -1.0}]},
            "context.steps[1].packet_loss is -1; it must be from 0 to 1",
        ),
    ],
)
def test_the_field_that_is_wrong_is_named(
    channel: grpc.Channel, context: dict[str, Any], sentence: str
) -> None:
    code, told = failure(channel, "PredictBandwidth", context=context)
    assert code == "INVALID_ARGUMENT"
    assert sentence in told
