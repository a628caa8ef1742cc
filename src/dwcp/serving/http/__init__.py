"""The Open Inference Protocol v2 over HTTP, on TCP and Unix sockets."""

from dwcp.serving.http.app import HttpSettings, RouteGroup, make_app
from dwcp.serving.http.server import HttpServer
from dwcp.serving.http.sessions import Sessions
from dwcp.serving.http.sockets import Listener, bind_tcp, bind_unix

__all__ = [
    "HttpServer",
    "HttpSettings",
    "Listener",
    "RouteGroup",
    "Sessions",
    "bind_tcp",
    "bind_unix",
    "make_app",
]
