"""Where to listen: TCP addresses and Unix sockets, bound before anything is served."""

import errno
import os
import socket
import ssl
import stat
from contextlib import suppress
from pathlib import Path

from msgspec import Struct

from dwcp.errors import InputError, StorageError

__all__ = ["Listener", "bind_tcp", "bind_unix"]

_BACKLOG = 1024
_OWNER_ONLY = 0o177


class Listener(Struct, frozen=True):
    """A bound socket.

    Attributes:
        sock: listens already.
        tls: encrypts what comes over it; None for plain text.
        path: of a Unix socket, removed at the end; None for TCP.
    """

    sock: socket.socket
    tls: ssl.SSLContext | None = None
    path: Path | None = None

    @property
    def host(self) -> str:
        """Of TCP: the address as a number."""
        return str(self.sock.getsockname()[0])

    @property
    def address(self) -> str:
        """As a client is given it: ``http://HOST:PORT``, ``https://...`` or ``unix:PATH``."""
        if self.path is not None:
            return f"unix:{self.path}"
        host, port = self.sock.getsockname()[:2]
        name = f"[{host}]" if ":" in host else host
        return f"{'http' if self.tls is None else 'https'}://{name}:{port}"

    def close(self) -> None:
        """Close it, and remove the file of a Unix socket unless another server listens there by now."""
        self.sock.close()
        if self.path is not None:
            with suppress(OSError, InputError):
                _remove_dead(self.path)


def bind_tcp(host: str, port: int, tls: ssl.SSLContext | None = None) -> Listener:
    """Listen on a TCP address; port 0 takes any free one.

    Raises:
        InputError: there is no such address here, or it is taken.
    """
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(
            host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
        sock = socket.socket(family, kind, protocol)
    except (OSError, UnicodeError) as error:
        raise InputError(f"there is no address {host} to listen on; name one of this host's") from error
    try:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        sock.bind(address)
        sock.listen(_BACKLOG)
    except OSError as error:
        sock.close()
        said = (error.strerror or str(error)).lower()
        raise InputError(f"{host}:{port} cannot be listened on ({said}); name another port") from error
    sock.setblocking(False)
    return Listener(sock, tls)


def bind_unix(path: Path) -> Listener:
    """Listen on a Unix socket that this user alone may open; a dead one's file is replaced.

    Raises:
        InputError: something else has that name, or a server listens there already.
        StorageError: it cannot be made there.
    """
    _remove_dead(path)
    sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    # By the mask, not afterwards: between the two somebody else could connect.
    mask = os.umask(_OWNER_ONLY)
    try:
        sock.bind(str(path))
    except OSError as error:
        sock.close()
        said = (error.strerror or str(error)).lower()
        if error.errno in (None, errno.EADDRINUSE):
            raise InputError(f"{path} cannot be listened on ({said}); name another place") from error
        raise StorageError.of(error, f"{path} cannot be made ({said}); name another place") from error
    finally:
        os.umask(mask)
    sock.listen(_BACKLOG)
    sock.setblocking(False)
    return Listener(sock, None, path)


def _remove_dead(path: Path) -> None:
    """Remove a Unix socket that nobody listens on.

    Raises:
        InputError: there is something else, or a server listens.
    """
    try:
        if not stat.S_ISSOCK(path.lstat().st_mode):
            raise InputError(f"{path} is not a socket, so it is left alone; name another place")
    except FileNotFoundError:
        return
    except OSError as error:
        raise InputError(f"{path} cannot be looked at ({error.strerror}); name another place") from error
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as probe:
        probe.settimeout(1.0)
        try:
            probe.connect(str(path))
        except ConnectionRefusedError:
            path.unlink(missing_ok=True)
            return
        except OSError as error:
            raise InputError(f"{path} cannot be used ({error.strerror or error}); name another") from error
    raise InputError(f"a server listens on {path} already; stop it, or name another place")
