"""A URL as an endpoint, a path and a header; who is in it as user is never in a message."""

import base64
from collections.abc import Mapping
from dataclasses import dataclass, field
from urllib.parse import unquote, urlsplit

from dwcp.errors import InputError
from dwcp.telemetry.sources.etcd.endpoint import Endpoint

__all__ = ["HttpAddress", "parse_address"]

_PORTS = {"http": 80, "https": 443}


@dataclass(frozen=True, slots=True)
class HttpAddress:
    """Where requests go.

    Attributes:
        endpoint: host and port.
        path: with its query, without a slash at the end; may be empty.
        headers: what proves who asks, where the URL named a user.
    """

    endpoint: Endpoint
    path: str = ""
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)

    def __str__(self) -> str:
        return f"{self.endpoint}{self.path}"


def parse_address(url: str, example: str) -> HttpAddress:
    """A URL with ``http`` or ``https``; ``http`` is taken where it names neither.

    Args:
        url: may hold a user and password for basic authentication.
        example: one that would do, for the message.

    Raises:
        InputError: it is no such URL.
    """
    text = url.strip() if "://" in url else f"http://{url.strip()}"
    try:
        parts = urlsplit(text)
        port = parts.port or _PORTS.get(parts.scheme, 0)
    except ValueError:
        parts, port = urlsplit(""), 0
    path = f"{parts.path}?{parts.query}" if parts.query else parts.path.rstrip("/")
    plain = all("!" <= letter <= "~" for letter in f"{parts.hostname}{path}")
    if not (parts.hostname and port and plain and not parts.fragment):
        shown = url.rpartition("@")[2]
        raise InputError(f"{shown!r} is no URL of a server; give one such as {example}")
    headers = {}
    if parts.username is not None:
        user = f"{unquote(parts.username)}:{unquote(parts.password or '')}"
        headers["Authorization"] = f"Basic {base64.b64encode(user.encode()).decode()}"
    return HttpAddress(Endpoint(parts.hostname, port, parts.scheme == "https"), path, headers)
