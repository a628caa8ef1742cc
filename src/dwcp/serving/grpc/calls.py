"""What stands before every call: who asks, whether there is room, and what becomes of errors."""

import logging
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import grpc
from google.protobuf.descriptor import ServiceDescriptor
from google.protobuf.message_factory import GetMessageClass

from dwcp.errors import ArtifactNotFoundError, DwcpError, InputError, RegistryError
from dwcp.serving.access import Access, InFlight, QuietLog, Right

__all__ = ["Gate", "RefusedError", "Rpc", "handlers"]

_CODES: tuple[tuple[type[DwcpError], grpc.StatusCode], ...] = (
    (InputError, grpc.StatusCode.INVALID_ARGUMENT),
    (ArtifactNotFoundError, grpc.StatusCode.NOT_FOUND),
    (RegistryError, grpc.StatusCode.FAILED_PRECONDITION),
)
_FAULT = "a fault of the server; its log tells more"


class RefusedError(DwcpError):
    """A call that is refused, with gRPC's code for it."""

    def __init__(self, code: grpc.StatusCode, sentence: str) -> None:
        super().__init__(sentence)
        self.code = code


@dataclass(frozen=True, slots=True)
class Rpc:
    """One method of a service.

    Attributes:
        answer: makes the answer of a request.
        right: that a caller needs; None for whoever was let in.
        is_public: whether it is for everybody, always: probes have no token.
    """

    answer: Callable[[Any], Any]
    right: Right | None = None
    is_public: bool = False


class Gate:
    """Lets calls through, or refuses them.

    Args:
        access: who may ask over TCP.
        socket_access: who may ask over a Unix socket.
        in_flight: counts what is at work, in all front ends together.
    """

    def __init__(self, access: Access, socket_access: Access, in_flight: InFlight) -> None:
        self._access = access
        self._socket_access = socket_access
        self._in_flight = in_flight
        kinds = ("refused", "busy", "fault")
        self._log = QuietLog(logging.getLogger("dwcp.serving.grpc"), time.monotonic, kinds)

    def call(self, rpc: Rpc, request: Any, context: grpc.ServicerContext) -> Any:
        """The answer of a method; every error is told as a code and one sentence."""
        try:
            return rpc.answer(request) if rpc.is_public else self._guarded(rpc, request, context)
        except RefusedError as refused:
            code, sentence = refused.code, str(refused)
        except DwcpError as error:
            code, sentence = _code_of(error), " ".join(str(error).split())
        except Exception as error:  # noqa: BLE001 - gRPC would tell the caller what it was; the log alone should
            self._log.warn("fault", "a call ended in a fault of the program", error)
            code, sentence = grpc.StatusCode.INTERNAL, _FAULT
        # Raises, so it may not stand where errors are caught.
        return context.abort(code, sentence)

    def _guarded(self, rpc: Rpc, request: Any, context: grpc.ServicerContext) -> Any:
        self._let_in(rpc, context)
        if not self._in_flight.enter():
            raise self._no_room()
        try:
            return rpc.answer(request)
        finally:
            self._in_flight.leave()

    def _let_in(self, rpc: Rpc, context: grpc.ServicerContext) -> None:
        told = dict(context.invocation_metadata()).get("authorization")
        is_socket = context.peer().startswith("unix:")
        caller = (self._socket_access if is_socket else self._access).caller(told)
        if caller is None:
            self._log.warn("refused", f"a call of {context.peer()} without a known token was refused")
            sentence = "a known token is needed: send it as metadata authorization: Bearer TOKEN"
            raise RefusedError(grpc.StatusCode.UNAUTHENTICATED, sentence)
        if not caller.may(rpc.right):
            sentence = f"{caller.name} has not the right {rpc.right}, which this needs"
            raise RefusedError(grpc.StatusCode.PERMISSION_DENIED, sentence)

    def _no_room(self) -> RefusedError:
        if self._in_flight.is_draining:
            sentence = "the server is about to stop; ask another one"
            return RefusedError(grpc.StatusCode.UNAVAILABLE, sentence)
        self._log.warn("busy", "calls were refused, as too many are at work (--max-concurrent)")
        sentence = "too many requests are at work; ask again in a second"
        return RefusedError(grpc.StatusCode.RESOURCE_EXHAUSTED, sentence)


def handlers(service: ServiceDescriptor, methods: Mapping[str, Rpc], gate: Gate) -> grpc.GenericRpcHandler:
    """What gRPC's server takes, for those methods of a service that there are."""
    found = {}
    for method in service.methods:
        if method.name in methods:
            found[method.name] = grpc.unary_unary_rpc_method_handler(
                _behaviour(methods[method.name], gate),
                request_deserializer=GetMessageClass(method.input_type).FromString,
                response_serializer=GetMessageClass(method.output_type).SerializeToString,
            )
    return grpc.method_handlers_generic_handler(service.full_name, found)


def _behaviour(rpc: Rpc, gate: Gate) -> Callable[[Any, grpc.ServicerContext], Any]:
    return lambda request, context: gate.call(rpc, request, context)


def _code_of(error: DwcpError) -> grpc.StatusCode:
    if error.retryable:
        return grpc.StatusCode.UNAVAILABLE
    return next((code for kind, code in _CODES if isinstance(error, kind)), grpc.StatusCode.INTERNAL)
