"""The stubs are those of the .proto files, as far as that can be told without the tool that makes them."""

import re
from importlib import resources
from typing import Any

import pytest
from google.protobuf.descriptor import FieldDescriptor

from dwcp.serving.protocol import hints_pb2, open_inference_pb2

FILES = {"open_inference_grpc.proto": open_inference_pb2, "dwcp/v1/hints.proto": hints_pb2}
_WORDS = {
    FieldDescriptor.TYPE_DOUBLE: "double",
    FieldDescriptor.TYPE_FLOAT: "float",
    FieldDescriptor.TYPE_INT64: "int64",
    FieldDescriptor.TYPE_UINT64: "uint64",
    FieldDescriptor.TYPE_INT32: "int32",
    FieldDescriptor.TYPE_UINT32: "uint32",
    FieldDescriptor.TYPE_BOOL: "bool",
    FieldDescriptor.TYPE_STRING: "string",
    FieldDescriptor.TYPE_BYTES: "bytes",
}
_OPENS = re.compile(r"^(message|enum|service|oneof) (\w+) \{$")
_FIELD = re.compile(r"^(optional |repeated )?(map<\w+, \w+>|[\w.]+) (\w+) = (\d+);$")
_VALUE = re.compile(r"^(\w+) = (\d+);$")
_RPC = re.compile(r"^rpc (\w+)\((\w+)\) returns \((\w+)\) \{\}$")


def written(source: str) -> set[tuple[Any, ...]]:
    """Every field, value and method of a .proto file, by its full name."""
    found: set[tuple[Any, ...]] = set()
    stack: list[tuple[str, str]] = []
    for raw in source.splitlines():
        line = raw.strip()
        path = ".".join(name for kind, name in stack if kind != "oneof")
        if opens := _OPENS.match(line):
            stack.append((opens[1], opens[2]))
        elif line == "}":
            stack.pop()
        elif rpc := _RPC.match(line):
            found.add((path, *rpc.groups()))
        elif field := _FIELD.match(line):
            found.add((path, field[3], int(field[4]), (field[1] or "").strip(), field[2].rpartition(".")[2]))
        elif value := _VALUE.match(line):
            found.add((path, value[1], int(value[2])))
    return found


def of_field(field: FieldDescriptor) -> tuple[str, str]:
    """Label and type, as a .proto file writes them."""
    kind = field.message_type or field.enum_type
    if kind is not None and field.message_type is not None and kind.GetOptions().map_entry:
        key, value = kind.fields
        return "", f"map<{of_field(key)[1]}, {of_field(value)[1]}>"
    own = field.containing_oneof is not None and field.containing_oneof.name == f"_{field.name}"
    label = "repeated" if field.is_repeated else "optional" if own else ""
    return label, kind.name if kind is not None else _WORDS[field.type]


def of_message(message: Any, path: str) -> set[tuple[Any, ...]]:
    found: set[tuple[Any, ...]] = {
        (path, field.name, field.number, *of_field(field)) for field in message.fields
    }
    for enum in message.enum_types:
        found |= {(f"{path}.{enum.name}", value.name, value.number) for value in enum.values}
    for nested in message.nested_types:
        if not nested.GetOptions().map_entry:
            found |= of_message(nested, f"{path}.{nested.name}")
    return found


def generated(file: Any) -> set[tuple[Any, ...]]:
    """The same of a stub."""
    found: set[tuple[Any, ...]] = set()
    for name, message in file.message_types_by_name.items():
        found |= of_message(message, name)
    for name, enum in file.enum_types_by_name.items():
        found |= {(name, value.name, value.number) for value in enum.values}
    for name, service in file.services_by_name.items():
        found |= {(name, one.name, one.input_type.name, one.output_type.name) for one in service.methods}
    return found


@pytest.mark.parametrize("proto", FILES)
def test_stubs_hold_what_is_written(proto: str) -> None:
    source = resources.files("dwcp.serving.protocol").joinpath(proto).read_text()
    told = written(source)
    assert len(told) > 50
    assert told == generated(FILES[proto].DESCRIPTOR)


def test_messages_fit_those_of_tritons_client() -> None:
    service_pb2 = pytest.importorskip("tritonclient.grpc.service_pb2")
    ours, theirs = (generated(file.DESCRIPTOR) for file in (open_inference_pb2, service_pb2))
    names = {one[0] for one in ours}
    assert ours <= {one for one in theirs if one[0] in names}
