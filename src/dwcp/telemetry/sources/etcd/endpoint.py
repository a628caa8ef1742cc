"""Where a member of etcd answers its clients, and how it is proved to be the one, and we to it."""

import ssl
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from dwcp.errors import InputError

__all__ = ["Access", "Endpoint", "parse_endpoint"]

_PORT = 2379


@dataclass(frozen=True, slots=True)
class Access:
    """What a cluster asks of its clients; nothing of it is needed where it asks nothing.

    Attributes:
        ca: certificates (PEM) that sign the members'; None for those of this machine.
        certificate: the client's own (PEM).
        key: its private key (PEM); None where it is in the certificate's file.
        user: name for etcd's own authentication. Etcd then refuses the probe a certificate with a common
            name.
        password: the user's; never in a message.
    """

    ca: Path | None = None
    certificate: Path | None = None
    key: Path | None = None
    user: str = ""
    password: str = ""

    def __repr__(self) -> str:
        return f"Access(ca={self.ca}, certificate={self.certificate}, user={self.user!r})"

    def context(self) -> ssl.SSLContext:
        """TLS as these files say.

        Raises:
            InputError: one of them cannot be read or is no PEM file.
        """
        try:
            context = ssl.create_default_context(cafile=self.ca)
            if self.certificate is not None:
                context.load_cert_chain(self.certificate, self.key)
        except (OSError, ssl.SSLError) as error:
            named = ", ".join(str(path) for path in (self.ca, self.certificate, self.key) if path)
            raise InputError(f"the certificates cannot be used ({named}): {error}") from error
        return context


@dataclass(frozen=True, slots=True)
class Endpoint:
    """One member's address for clients."""

    host: str
    port: int
    encrypted: bool = False

    def __str__(self) -> str:
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{'https' if self.encrypted else 'http'}://{host}:{self.port}"


def parse_endpoint(text: str) -> Endpoint:
    """An address as etcdctl takes it: ``HOST``, ``HOST:PORT`` or a URL with ``http`` or ``https``.

    Raises:
        InputError: it is no such address.
    """
    parts = urlsplit(text if "://" in text else f"http://{text}")
    try:
        port = parts.port or _PORT
    except ValueError:
        port = 0
    if parts.scheme not in ("http", "https") or not parts.hostname or not port or parts.path.strip("/"):
        raise InputError(f"{text!r} is no endpoint of etcd; give one such as http://10.0.0.1:2379")
    return Endpoint(parts.hostname, port, parts.scheme == "https")
