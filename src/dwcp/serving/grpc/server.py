"""The server: grpc's own, with threads, on any number of addresses."""

import os
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import grpc

from dwcp.errors import InputError
from dwcp.serving.access import InFlight
from dwcp.serving.grpc import health, hints, open_inference
from dwcp.serving.grpc.calls import Gate, handlers
from dwcp.serving.grpc.settings import GrpcSettings, Tls, transport_options
from dwcp.serving.hints.service import Hints
from dwcp.serving.http.sockets import bind_unix
from dwcp.serving.inference import Inference

__all__ = ["GrpcServer"]

_OWNER_ONLY = 0o177
_UNIX = "unix:"


class GrpcServer:
    """Serves models, hints and health over gRPC, from `start` to `stop`.

    Args:
        inference: the models.
        hint_service: answers hints; share one with REST.
        settings: how to serve.
        listen: ``HOST:PORT``, where port 0 takes any free one, and ``unix:PATH``.
        in_flight: counts requests at work; one for all front ends.

    Raises:
        InputError: an address cannot be listened on, or certificate and key are none.
        StorageError: a Unix socket cannot be made there.
    """

    def __init__(
        self,
        inference: Inference,
        hint_service: Hints,
        settings: GrpcSettings,
        listen: Sequence[str],
        in_flight: InFlight,
    ) -> None:
        self._in_flight = in_flight
        self._sockets: list[Path] = []
        self._server = grpc.server(
            ThreadPoolExecutor(settings.threads, thread_name_prefix="dwcp-grpc"),
            options=transport_options(settings),
            maximum_concurrent_rpcs=settings.limits.max_concurrent,
        )
        gate = Gate(settings.access, settings.socket_access, in_flight)
        models = open_inference.OpenInference(
            inference, settings.limits.tensors, lambda: in_flight.is_draining
        )
        services = (open_inference.SERVICE.full_name, hints.SERVICE.full_name)
        self._server.add_generic_rpc_handlers(
            (
                handlers(open_inference.SERVICE, models.methods(), gate),
                handlers(hints.SERVICE, hints.methods_of(hint_service), gate),
                handlers(health.SERVICE, health.methods_of(models.ready, services), gate),
            )
        )
        self._addresses = tuple(self._bind(one, settings.tls) for one in listen)

    @property
    def addresses(self) -> tuple[str, ...]:
        """Where it listens, as gRPC clients are given it."""
        return self._addresses

    def start(self) -> None:
        """Answer calls from now on."""
        self._server.start()

    def stop(self, grace_s: float) -> None:
        """Take no more calls, and wait for those at work.

        Args:
            grace_s: longest that they are waited for; then they are cut off.
        """
        self._in_flight.drain()
        self._server.stop(grace_s).wait()
        for path in self._sockets:
            path.unlink(missing_ok=True)

    def _bind(self, address: str, tls: Tls | None) -> str:
        if address.startswith(_UNIX):
            return self._bind_unix(Path(address.removeprefix(_UNIX)))
        host, _, _ = address.rpartition(":")
        try:
            if tls is None:
                port = self._server.add_insecure_port(address)
            else:
                port = self._server.add_secure_port(address, _credentials(tls))
        except RuntimeError as error:
            why = "" if tls is None else ", or see whether certificate and key belong together"
            raise InputError(f"{address} cannot be listened on; name another address or port{why}") from error
        return f"{host}:{port}"

    def _bind_unix(self, path: Path) -> str:
        # Says what is wrong with the place, and replaces the file of a dead server; gRPC would take the place
        # of a live one.
        bind_unix(path).close()
        mask = os.umask(_OWNER_ONLY)
        try:
            self._server.add_insecure_port(f"{_UNIX}{path}")
        except RuntimeError as error:
            raise InputError(f"{path} cannot be listened on; name another place") from error
        finally:
            os.umask(mask)
        self._sockets.append(path)
        return f"{_UNIX}{path}"


def _credentials(tls: Tls) -> grpc.ServerCredentials:
    pair = ((tls.key, tls.certificate),)
    is_mutual = tls.client_roots is not None
    return grpc.ssl_server_credentials(pair, tls.client_roots, require_client_auth=is_mutual)
