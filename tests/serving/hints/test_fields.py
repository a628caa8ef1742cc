"""The table of fields against the contracts and against the published protocol."""

import re
from dataclasses import fields, is_dataclass
from importlib import resources
from typing import Any

import pytest
from google.protobuf.descriptor import FieldDescriptor

from dwcp.errors import InputError
from dwcp.serving.hint import Reason
from dwcp.serving.hints.examples import EXAMPLES
from dwcp.serving.hints.memory import HintMemory, Remembered
from dwcp.serving.hints.methods import ANSWERS, METHODS, RECORD_OUTCOME, REPORT, REQUESTS
from dwcp.serving.hints.records import Member, Record
from dwcp.serving.hints.shapes import Amount, Count, Flag, ListOf, Shape
from dwcp.serving.hints.strings import Choice, Octets, Text, Word
from dwcp.serving.protocol import hints_pb2
from dwcp.tasks import discover

TYPES = {
    Amount: (FieldDescriptor.TYPE_DOUBLE, 0.0),
    Count: (FieldDescriptor.TYPE_INT64, 0),
    Flag: (FieldDescriptor.TYPE_BOOL, False),
    Text: (FieldDescriptor.TYPE_STRING, ""),
    Word: (FieldDescriptor.TYPE_STRING, ""),
    Octets: (FieldDescriptor.TYPE_BYTES, b""),
}
ROOTS = {**{f"{name}Request": one for name, one in REQUESTS.items()}, f"{RECORD_OUTCOME}Request": REPORT}
WITH_ANSWERS = {**ROOTS, **{f"{name}Response": one for name, one in ANSWERS.items()}}


def records(shape: Shape, found: dict[str, Record]) -> dict[str, Record]:
    """A record and all within it, by name."""
    if isinstance(shape, ListOf):
        records(shape.item, found)
    if isinstance(shape, Record):
        found[shape.name] = shape
        for member in shape.members:
            records(member.shape, found)
    return found


def all_records() -> dict[str, Record]:
    found: dict[str, Record] = {}
    for one in WITH_ANSWERS.values():
        records(one, found)
    return found


def is_answer(record: Record) -> bool:
    return record.name.endswith("Response") or record.name == "ModelVersion"


def needs_presence(member: Member, record: Record, zero: Any) -> bool:
    """Whether protobuf must tell a field that is zero from one that was left out."""
    if record.one_of or is_answer(record) or isinstance(member.shape, Record | ListOf):
        return False
    return member.is_required or member.default() != zero


def test_messages_and_fields_are_those_of_the_table() -> None:
    known = hints_pb2.DESCRIPTOR.message_types_by_name
    table = all_records()
    assert set(known) == {*table, f"{RECORD_OUTCOME}Response"}
    for name, record in table.items():
        # In any order: a new field takes the next number, wherever its contract has it.
        assert {field.name for field in known[name].fields} == set(record.by_name)


@pytest.mark.parametrize("name", sorted(all_records()))
def test_fields_have_the_types_of_the_table(name: str) -> None:
    record = all_records()[name]
    for field in hints_pb2.DESCRIPTOR.message_types_by_name[name].fields:
        member = record.by_name[field.name]
        shape = member.shape.item if isinstance(member.shape, ListOf) else member.shape
        assert field.is_repeated == isinstance(member.shape, ListOf)
        if isinstance(shape, Record):
            assert field.message_type.name == shape.name
            continue
        if isinstance(shape, Choice):
            names = [value.name for value in field.enum_type.values]
            assert {*names} - {"REASON_UNSPECIFIED"} == set(shape.names)
            assert names[0] in ("REASON_UNSPECIFIED", shape.names[0])
            zero: Any = shape.values[0]
        else:
            kind, zero = TYPES[type(shape)]
            assert field.type == kind
        own_oneof = field.containing_oneof
        is_optional = own_oneof is not None and own_oneof.name == f"_{field.name}"
        assert is_optional == needs_presence(member, record, zero), f"{name}.{field.name}"


def test_methods_are_those_of_the_protocol() -> None:
    service = hints_pb2.DESCRIPTOR.services_by_name["Hints"]
    assert [method.name for method in service.methods] == [*METHODS, RECORD_OUTCOME]
    for method in service.methods:
        assert method.input_type.name == f"{method.name}Request"
        assert method.output_type.name == f"{method.name}Response"
    reasons = hints_pb2.DESCRIPTOR.enum_types_by_name["Reason"].values
    assert [value.name for value in reasons] == ["REASON_UNSPECIFIED", *Reason]


def test_every_field_of_a_contract_travels_but_one() -> None:
    left = []
    for method in METHODS.values():
        for record in records(method.context, records(method.action, records(method.outcome, {}))).values():
            if is_dataclass(record.build):
                names = {member.name for member in record.members}
                left += [f"{record.name}.{one.name}" for one in fields(record.build) if one.name not in names]
    # What was forecast is remembered with the hint.
    assert left == ["BandwidthOutcome.forecast"]


def test_numbers_and_lists_are_bounded_and_fields_explained() -> None:
    for record in all_records().values():
        for member in record.members:
            shape = member.shape
            if isinstance(shape, Amount | Count):
                assert shape.low < shape.high < float("inf")
            is_plain = record.one_of or member.name == "context"
            assert member.meaning or is_plain, f"{record.name}.{member.name}"
            assert "`" not in member.meaning
            assert not re.search(r"\bNone\b", member.meaning)


@pytest.mark.parametrize("name", METHODS)
def test_what_is_remembered_comes_back_equal(name: str) -> None:
    method = METHODS[name]
    context = REQUESTS[name].read({"context": EXAMPLES[name]}, None).context
    tasks = discover()
    cases = [context]
    if method.task in tasks:
        cases += [case.context for case in tasks[method.task].examples(20, 3)]
    for case in cases:
        memory = HintMemory()
        memory.keep("id", method.task, case, case, 0.0)
        found = memory.find("id", 1.0)
        assert isinstance(found, Remembered)
        assert found.unpacked() == (case, case)


def read(name: str, context: Any) -> Any:
    return REQUESTS[name].read({"context": context}, None).context


@pytest.mark.parametrize(
    ("name", "context", "sentence"),
    [
        ("TuneGossip", {"nodes": True, "loss_share": 0, "message_bytes": 1}, "nodes takes a whole number"),
        ("TuneGossip", {"nodes": 2.5, "loss_share": 0, "message_bytes": 1}, "nodes takes a whole number"),
        (
            "TuneGossip",
            {"nodes": 2, "loss_share": "0", "message_bytes": 1},
            "loss_share takes a number, not '0'",
        ),
        ("TuneGossip", {"nodes": 2, "loss_share": None, "message_bytes": 1}, "context.loss_share is missing"),
        ("TuneGossip", {"nodes": 2, "knots": 1}, "context has no field 'knots'; its fields are: nodes,"),
        ("PrefetchBlocks", {"recent": []}, "context.recent has 0 items; it must have from 1 to 10"),
        ("PrefetchBlocks", {"recent": "ab"}, "context.recent takes a list, not 'ab'"),
        ("PrefetchBlocks", {"recent": [{}]}, r"context.recent\[0\] takes exactly one of number, name"),
        ("DetectAnomaly", {"node": "", "steps": [{}]}, "context.node has 0 characters"),
        ("DetectAnomaly", {"node": "n", "steps": [3]}, r"context.steps\[0\] takes an object, not 3"),
        ("FindSimilarBlocks", {"block_id": "=="}, "context.block_id is not base64"),
        ("SelectPeer", {"candidates": [{"name": "a"}] * 2}, "candidates name 'a' more than once"),
        (
            "SelectCompression",
            {"candidates": [{"codec": "zstd", "level": 4}]},
            "level of codec zstd is 4; it must be one of -7",
        ),
    ],
)
def test_what_cannot_be_taken_is_named(name: str, context: Any, sentence: str) -> None:
    with pytest.raises(InputError, match=sentence):
        read(name, context)


def test_defaults_are_those_of_the_contract() -> None:
    asked = read("SelectCompression", EXAMPLES["SelectCompression"])
    kind = type(asked)
    assert asked == kind(asked.facts, asked.link)
    assert asked.facts.reference is None
    quiet = read("DetectHighLatency", EXAMPLES["DetectHighLatency"])
    assert quiet.usual.count((-1.0, -1.0)) == len(quiet.usual) - 1
    assert (5.0, 1.0) in quiet.usual
    assert read("DetectHighLatency", {"group": "g", "steps": [{}]}).usual == ()


def test_the_protocol_is_installed_with_the_package() -> None:
    source = resources.files("dwcp.serving.protocol").joinpath("dwcp/v1/hints.proto").read_text()
    assert re.findall(r"^  rpc (\w+)", source, re.MULTILINE) == [*METHODS, RECORD_OUTCOME]
