"""gRPC front ends: the Open Inference Protocol v2, the hints API and health, on TCP and Unix sockets.

Importing this needs the extra ``serve``.
"""

from dwcp.errors import ExtraMissingError

try:
    from dwcp.serving.grpc.server import GrpcServer
    from dwcp.serving.grpc.settings import GrpcSettings, Tls
except ModuleNotFoundError as error:
    raise ExtraMissingError(
        f"gRPC needs the extra serve: pip install 'dwcp[serve]' ({error.name} is not installed)"
    ) from error

__all__ = ["GrpcServer", "GrpcSettings", "Tls"]
