"""The route that Prometheus scrapes."""

from prometheus_client import CollectorRegistry, ProcessCollector
from prometheus_client.exposition import choose_encoder
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from dwcp.serving.metrics.collector import HintCollector
from dwcp.serving.metrics.observed import Observed

__all__ = ["PATH", "routes"]

PATH = "/metrics"


def routes(observed: Observed) -> list[Route]:
    """The route that Prometheus scrapes: the classic text format, or OpenMetrics where that is asked for.

    Reading and writing happen in a thread of their own: no request waits for a scrape.

    Args:
        observed: what is looked at.
    """
    registry = CollectorRegistry(auto_describe=False)
    registry.register(HintCollector(observed))
    ProcessCollector(registry=registry)

    def metrics(request: Request) -> Response:
        encode, media_type = choose_encoder(request.headers.get("accept", ""))
        return Response(encode(registry), headers={"Content-Type": media_type, "Cache-Control": "no-store"})

    return [Route(PATH, metrics, methods=["GET"])]
