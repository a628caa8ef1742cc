"""Who is let in, how much is taken, and how the server ends."""

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path
from typing import Any

import grpc
import numpy as np
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.x509.oid import NameOID
from grpc_health.v1 import health_pb2, health_pb2_grpc

from dwcp.errors import DwcpError, InputError
from dwcp.serving.grpc import Tls
from dwcp.serving.grpc.open_inference import SERVICE as MODELS
from dwcp.serving.protocol import hints_pb2
from dwcp.serving.protocol import open_inference_pb2 as messages

HINTS = "dwcp.v1.Hints"


def stub(channel: grpc.Channel, path: str, answer: Any) -> Any:
    return channel.unary_unary(
        path, request_serializer=lambda message: message.SerializeToString(), response_deserializer=answer
    )


def models(channel: grpc.Channel, name: str) -> Any:
    return stub(channel, f"/{MODELS.full_name}/{name}", lambda content: content)


def code(asked: Callable[[], Any]) -> tuple[str, str]:
    """``OK``, or the code of what was refused and its sentence."""
    try:
        asked()
    except grpc.RpcError as error:
        return error.code().name, error.details()
    return "OK", ""


def infer_request(rows: dict[str, Any]) -> Any:
    request = messages.ModelInferRequest(model_name="sums")
    for name, array in rows.items():
        datatype = "FP32" if array.dtype == np.float32 else "INT64"
        request.inputs.add(name=name, datatype=datatype, shape=array.shape)
        request.raw_input_contents.append(array.tobytes())
    return request


def test_rights_are_held_against_tokens(guarded: Any, rows: dict[str, Any]) -> None:
    question = infer_request(rows)
    hint = hints_pb2.TuneGossipRequest()
    load = messages.RepositoryModelLoadRequest(model_name="sums")
    told = {}
    with grpc.insecure_channel(guarded.tcp) as channel:
        ask = {
            "infer": lambda metadata: models(channel, "ModelInfer")(question, metadata=metadata),
            "hints": lambda metadata: stub(channel, f"/{HINTS}/TuneGossip", bytes)(hint, metadata=metadata),
            "admin": lambda metadata: models(channel, "RepositoryModelLoad")(load, metadata=metadata),
        }
        for token in (None, "wrong", "all", "hints", "infer"):
            metadata = None if token is None else (("authorization", f"Bearer {token}"),)
            told[token] = [code(lambda: one(metadata))[0] for one in ask.values()]  # noqa: B023
    refused, nobody, invalid = "PERMISSION_DENIED", "UNAUTHENTICATED", "INVALID_ARGUMENT"
    assert told == {
        None: [nobody] * 3,
        "wrong": [nobody] * 3,
        "all": ["OK", invalid, "OK"],
        "hints": [refused, invalid, refused],
        "infer": ["OK", refused, refused],
    }


def test_probes_and_the_socket_need_no_token(guarded: Any, rows: dict[str, Any]) -> None:
    with grpc.insecure_channel(guarded.tcp) as channel:
        models(channel, "ServerLive")(messages.ServerLiveRequest())
        assert code(lambda: models(channel, "ServerMetadata")(messages.ServerMetadataRequest())) == (
            "UNAUTHENTICATED",
            "a known token is needed: send it as metadata authorization: Bearer TOKEN",
        )
    with grpc.insecure_channel(guarded.unix) as channel:
        models(channel, "ModelInfer")(infer_request(rows))
    path = Path(guarded.unix.removeprefix("unix:"))
    assert path.stat().st_mode & 0o777 == 0o600


def test_health_follows_readiness(served: Any, channel: grpc.Channel) -> None:
    health = health_pb2_grpc.HealthStub(channel)
    statuses = health_pb2.HealthCheckResponse
    for is_ready, status in ((True, statuses.SERVING), (False, statuses.NOT_SERVING)):
        served.models.is_ready = is_ready
        for service in ("", MODELS.full_name, HINTS):
            assert health.Check(health_pb2.HealthCheckRequest(service=service)).status == status
    request = health_pb2.HealthCheckRequest(service="nothing")
    assert code(lambda: health.Check(request))[0] == "NOT_FOUND"


def test_too_large_a_message_is_refused(served: Any, channel: grpc.Channel) -> None:
    large = messages.ModelInferRequest(model_name="sums", raw_input_contents=[bytes(2 << 20)])
    assert code(lambda: models(channel, "ModelInfer")(large))[0] == "RESOURCE_EXHAUSTED"


def test_too_many_at_once_are_refused_and_those_at_work_are_ended(serve: Any, rows: dict[str, Any]) -> None:
    served = serve("127.0.0.1:0")
    begun, release = threading.Semaphore(0), threading.Event()
    plain = served.models.infer

    def slow(*args: Any) -> Any:
        begun.release()
        assert release.wait(20.0)
        return plain(*args)

    served.models.infer = slow
    question = infer_request(rows)
    with grpc.insecure_channel(served.tcp) as channel, ThreadPoolExecutor(5) as callers:
        infer = models(channel, "ModelInfer")
        at_work = [callers.submit(infer, question) for _ in range(4)]
        assert all(begun.acquire(timeout=20.0) for _ in range(4))
        assert code(lambda: infer(question))[0] == "RESOURCE_EXHAUSTED"
        stopping = callers.submit(served.server.stop, 20.0)
        while not served.in_flight.is_draining:
            pass
        release.set()
        assert all(one.result(20.0) for one in at_work)
        stopping.result(20.0)
        assert code(lambda: infer(question))[0] == "UNAVAILABLE"


def test_addresses_that_cannot_be_listened_on_are_told(serve: Any, tmp_path: Path) -> None:
    served = serve("127.0.0.1:0", f"unix:{tmp_path / 's'}")
    for address, sentence in (
        (served.tcp, "cannot be listened on; name another address or port"),
        (served.unix, "a server listens on .* already"),
        (f"unix:{tmp_path / 'no' / 's'}", "cannot be"),
    ):
        with pytest.raises(DwcpError, match=sentence):
            serve(address)
    served.server.stop(0.0)
    assert not (tmp_path / "s").exists()


def issued(name: str, issuer: Any = None) -> tuple[Any, Any]:
    """A key and its certificate, of itself where nobody issues it."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    signer, issuer_name = (key, subject) if issuer is None else (issuer[0], issuer[1].subject)
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer_name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.BasicConstraints(ca=issuer is None, path_length=None), critical=True)
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ip_address("127.0.0.1"))]), critical=False)
    )
    return key, made.sign(signer, SHA256())


def pem(pair: tuple[Any, Any]) -> tuple[bytes, bytes]:
    key = pair[0].private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    return key, pair[1].public_bytes(serialization.Encoding.PEM)


def test_certificates_are_wanted_where_roots_are_given(serve: Any) -> None:
    authority = issued("authority")
    (server_key, server), (client_key, client) = (
        pem(issued("server", authority)),
        pem(issued("me", authority)),
    )
    root = pem(authority)[1]
    served = serve("127.0.0.1:0", tls=Tls(server, server_key, root))
    told = []
    for credentials in (
        grpc.ssl_channel_credentials(root, client_key, client),
        grpc.ssl_channel_credentials(root),
    ):
        with grpc.secure_channel(served.tcp, credentials) as channel:
            live = models(channel, "ServerLive")
            told.append(code(lambda: live(messages.ServerLiveRequest(), timeout=20.0))[0])  # noqa: B023
    assert told == ["OK", "UNAVAILABLE"]
    with pytest.raises(InputError, match="certificate and key"):
        serve("127.0.0.1:0", tls=Tls(b"none", b"none"))
