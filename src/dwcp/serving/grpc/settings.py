"""How the gRPC server serves, and what that means as options of its transport."""

from msgspec import Struct, field

from dwcp.serving.access import Access, Limits

__all__ = ["GrpcSettings", "Tls", "transport_options"]

_WAITING_STREAMS = 64


class Tls(Struct, frozen=True):
    """What the server shows, and wants to be shown; all PEM.

    Attributes:
        certificate: the server's, with those between it and its root.
        key: its private key.
        client_roots: whose certificates callers must have (mTLS); None where they need none.
    """

    certificate: bytes
    key: bytes
    client_roots: bytes | None = None


class GrpcSettings(Struct, frozen=True):
    """How to serve.

    Attributes:
        access: who may ask over TCP.
        socket_access: who may ask over a Unix socket.
        limits: how much one may ask.
        threads: requests that are worked on at the same time.
        tls: encrypts what comes over TCP; None for plain text.
        least_ping_s: least time between two pings of an idle client; one that pings more often is cut off.
    """

    access: Access
    socket_access: Access
    limits: Limits = field(default_factory=Limits)
    threads: int = 8
    tls: Tls | None = None
    least_ping_s: float = 10.0


def transport_options(settings: GrpcSettings) -> list[tuple[str, int]]:
    """Options as gRPC's core names them (grpc/impl/channel_arg_names.h)."""
    limits = settings.limits
    return [
        ("grpc.so_reuseport", 0),
        ("grpc.max_receive_message_length", limits.max_body_bytes),
        ("grpc.max_send_message_length", limits.max_body_bytes),
        ("grpc.max_metadata_size", limits.max_header_bytes),
        ("grpc.absolute_max_metadata_size", limits.max_header_bytes),
        # More than may be at work: a stream that is not let in waits, and would not be told why.
        ("grpc.max_concurrent_streams", limits.max_concurrent + _WAITING_STREAMS),
        ("grpc.max_allowed_incoming_connections", limits.max_connections),
        ("grpc.max_connection_idle_ms", int(limits.idle_timeout_s * 1e3)),
        ("grpc.server_handshake_timeout_ms", int(limits.header_timeout_s * 1e3)),
        ("grpc.http2.min_ping_interval_without_data_ms", int(settings.least_ping_s * 1e3)),
        ("grpc.http2.max_ping_strikes", 2),
        ("grpc.keepalive_permit_without_calls", 0),
    ]
