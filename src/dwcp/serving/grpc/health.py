"""Health of the services (grpc.health.v1): all of them serve once every model that should is verified.

``Check`` alone is offered: it tells what is so at that moment. ``Watch`` would let anybody hold calls open;
clients that do not find it go on without, as the protocol says.
"""

from collections.abc import Callable, Collection
from typing import Any

import grpc
from grpc_health.v1 import health_pb2

from dwcp.serving.grpc.calls import RefusedError, Rpc

__all__ = ["SERVICE", "methods_of"]

SERVICE = health_pb2.DESCRIPTOR.services_by_name["Health"]


def methods_of(ready: Callable[[], bool], services: Collection[str]) -> dict[str, Rpc]:
    """What answers ``Check``, for everybody.

    Args:
        ready: whether requests are served as they should be.
        services: full names; the empty name stands for the server.
    """

    def check(request: Any) -> Any:
        if request.service and request.service not in services:
            raise RefusedError(grpc.StatusCode.NOT_FOUND, f"there is no service {request.service[:64]!r}")
        statuses = health_pb2.HealthCheckResponse
        return statuses(status=statuses.SERVING if ready() else statuses.NOT_SERVING)

    return {"Check": Rpc(check, is_public=True)}
