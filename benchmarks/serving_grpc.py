"""Asks for hints over gRPC: a thread for each connection, one question at a time each."""

import threading
import time

import grpc
from google.protobuf.message_factory import GetMessageClass

from dwcp.serving.grpc.hints import SERVICE
from dwcp.serving.hints.examples import EXAMPLES
from serving_bodies import METHOD
from serving_client import Answer

__all__ = ["ask_grpc"]

OK, FAILED = 200, 500
TIMEOUT_S = 10.0


def ask_grpc(address: str, connections: int, until_s: float) -> list[Answer]:
    """Every answer; with HTTP's statuses for success and failure.

    Args:
        address: of the server.
        connections: open at once.
        until_s: when to end, on the monotonic clock.
    """
    answers: list[Answer] = []
    threads = [threading.Thread(target=_ask, args=(address, until_s, answers)) for _ in range(connections)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return answers


def _ask(address: str, until_s: float, answers: list[Answer]) -> None:
    method = SERVICE.methods_by_name[METHOD]
    request = GetMessageClass(method.input_type)(context=EXAMPLES[METHOD], unit="link-7")
    # Channels to one address share a connection unless each keeps its own.
    with grpc.insecure_channel(address, options=[("grpc.use_local_subchannel_pool", 1)]) as channel:
        stub = channel.unary_unary(
            f"/{SERVICE.full_name}/{METHOD}",
            request_serializer=type(request).SerializeToString,
            response_deserializer=GetMessageClass(method.output_type).FromString,
        )
        while (now := time.monotonic()) < until_s:
            status = OK
            try:
                stub(request, timeout=TIMEOUT_S)
            except grpc.RpcError:
                status = FAILED
            answers.append(Answer(now, time.monotonic() - now, status, b""))
