"""The limit of the stack: one route of Starlette on uvicorn that reads a body and answers a fixed one.

Run: ``python serving_bare.py BYTES``; it prints its port.
"""

import socket
import sys
from collections.abc import Sequence

import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route


def main(arguments: Sequence[str]) -> None:
    answer = b"x" * int(arguments[0])

    async def endpoint(request: Request) -> Response:
        await request.body()
        return Response(answer, media_type="application/json")

    app = Starlette(routes=[Route("/{rest:path}", endpoint, methods=["POST"])])
    # Named, for asyncio sends small answers at once over sockets of this protocol alone.
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP) as sock:
        sock.bind(("127.0.0.1", 0))
        sock.listen(1024)
        print(sock.getsockname()[1], flush=True)
        config = uvicorn.Config(
            app, http="httptools", access_log=False, log_level="critical", lifespan="off", ws="none"
        )
        uvicorn.Server(config).run(sockets=[sock])


if __name__ == "__main__":
    main(sys.argv[1:])
