"""The hints API over gRPC: messages to plain values and back; what they mean is in `dwcp.serving.hints`."""

from collections.abc import Callable
from typing import Any

import grpc
from google.protobuf.descriptor import FieldDescriptor
from google.protobuf.message import Message
from google.protobuf.message_factory import GetMessageClass

from dwcp.serving.access import Right
from dwcp.serving.grpc.calls import RefusedError, Rpc
from dwcp.serving.hints.service import Hints, Refusal, Refused
from dwcp.serving.protocol import hints_pb2

__all__ = ["SERVICE", "methods_of", "plain_of"]

SERVICE = hints_pb2.DESCRIPTOR.services_by_name["Hints"]
_CODES = {
    Refusal.INVALID: grpc.StatusCode.INVALID_ARGUMENT,
    Refusal.UNKNOWN_HINT: grpc.StatusCode.NOT_FOUND,
    Refusal.ALREADY_REPORTED: grpc.StatusCode.ALREADY_EXISTS,
    Refusal.FAILED: grpc.StatusCode.INTERNAL,
    Refusal.NO_SUCH_TASK: grpc.StatusCode.UNIMPLEMENTED,
}


def methods_of(hints: Hints) -> dict[str, Rpc]:
    """What answers each method, and the right it needs."""
    return {
        method.name: Rpc(_answer(hints, method.name, GetMessageClass(method.output_type)), Right.HINTS)
        for method in SERVICE.methods
    }


def plain_of(message: Message) -> dict[str, Any]:
    """A message as plain values: what was not given is left out, enumerations are told by name."""
    return {field.name: _plain(field, value) for field, value in message.ListFields()}


def _answer(hints: Hints, name: str, kind: Callable[..., Message]) -> Callable[[Message], Message]:
    def answer(request: Message) -> Message:
        answered = hints.call(name, plain_of(request))
        if isinstance(answered, Refused):
            raise RefusedError(_CODES[answered.refusal], answered.sentence)
        return kind(**answered.body)

    return answer


def _plain(field: FieldDescriptor, value: Any) -> Any:
    if field.type == FieldDescriptor.TYPE_MESSAGE:
        return [plain_of(one) for one in value] if field.is_repeated else plain_of(value)
    if field.type == FieldDescriptor.TYPE_ENUM:
        known = field.enum_type.values_by_number.get(value)
        return value if known is None else known.name
    return list(value) if field.is_repeated else value
