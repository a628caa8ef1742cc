"""Following the sender's walk: where each record lies, that it may lie there, and what the root's id is."""

from dwcp.blocks import MAX_DEPTH, FileLink, TreeBuilder, check_name
from dwcp.errors import InputError, ProtocolError, TransferRefusedError
from dwcp.transfer.protocol import Root

__all__ = ["Walk", "checked_name"]

_MAX_PATH_BYTES = 4096
_RESERVED = b".dwcp"


def checked_name(name: bytes) -> bytes:
    """A root's name, if it is one that may be received.

    Raises:
        TransferRefusedError: it leads elsewhere, or is the receiver's own.
    """
    _check(name)
    if name == _RESERVED:
        raise TransferRefusedError(
            f"a root cannot be called {name!r}: the receiver keeps its own state there"
        )
    return name


class Walk:
    """The path down to where the walk stands, and the tree's id as it grows."""

    def __init__(self, root: bytes) -> None:
        """Stand before the root.

        Args:
            root: the name that was offered.
        """
        self._root = root
        self._builder = TreeBuilder()
        self._paths: list[bytes] = []
        self._last = [b""]
        self._has_root = False
        self._files = 0
        self._plain_bytes = 0

    @property
    def parent(self) -> bytes:
        """The path of the directory the walk stands in; empty above the root."""
        return self._paths[-1] if self._paths else b""

    def path_of(self, name: bytes) -> bytes:
        """The path of an entry that comes next.

        Raises:
            TransferRefusedError: a name or a path that is not safe to take.
            ProtocolError: it is not the root that was offered, or comes after it.
        """
        _check(name)
        if not self._paths:
            if self._has_root or name != self._root:
                raise ProtocolError(
                    f"the catalogue names {name!r} where the offer named {self._root!r} alone"
                )
            return name
        if name <= self._last[-1]:
            raise ProtocolError(f"the catalogue names {name!r} after {self._last[-1]!r}: names must rise")
        path = self._paths[-1] + b"/" + name
        if len(path) > _MAX_PATH_BYTES:
            raise TransferRefusedError(
                f"a path of {len(path)} bytes is refused, at most {_MAX_PATH_BYTES} are taken: it begins "
                f"with {path[:64]!r}"
            )
        return path

    def enter(self, path: bytes, name: bytes, mode: int, mtime_ns: int) -> None:
        """Go into a directory.

        Raises:
            TransferRefusedError: it lies too deep.
            ProtocolError: it is out of order.
        """
        if len(self._paths) >= MAX_DEPTH:
            raise TransferRefusedError(
                f"directories lie more than {MAX_DEPTH} deep in one another at {path[:64]!r}: that is refused"
            )
        try:
            self._builder.enter(name, mode, mtime_ns)
        except InputError as error:
            raise ProtocolError(f"the catalogue cannot be followed: {error}") from error
        self._pass(name)
        self._paths.append(path)
        self._last.append(b"")

    def leave(self) -> None:
        """Go out of the innermost directory.

        Raises:
            ProtocolError: the walk stands in none.
        """
        if not self._paths:
            raise ProtocolError("the catalogue ends a directory that it never began")
        self._builder.leave()
        self._paths.pop()
        self._last.pop()

    def file(self, name: bytes, mode: int, mtime_ns: int, link: FileLink) -> None:
        """Pass a regular file.

        Raises:
            ProtocolError: it is out of order.
        """
        try:
            self._builder.file(name, mode, mtime_ns, link)
        except InputError as error:
            raise ProtocolError(f"the catalogue cannot be followed: {error}") from error
        self._pass(name)
        self._files += 1
        self._plain_bytes += link.size_bytes

    def symlink(self, name: bytes, target: bytes, mtime_ns: int) -> None:
        """Pass a symbolic link.

        Raises:
            ProtocolError: it is out of order.
        """
        try:
            self._builder.symlink(name, target, mtime_ns)
        except InputError as error:
            raise ProtocolError(f"the catalogue cannot be followed: {error}") from error
        self._pass(name)

    def finish(self, told: Root, chunks: int) -> bytes:
        """Come to the end: the root's id, which the sender must have come to as well.

        Args:
            told: what the sender came to.
            chunks: how many were announced.

        Raises:
            ProtocolError: the walk is not over, or the sender came to something else.
        """
        if self._paths or not self._has_root:
            raise ProtocolError("the catalogue ends before its root does")
        content = self._builder.finish()
        came_to = Root(content, self._files, chunks, self._plain_bytes)
        if came_to != told:
            raise ProtocolError(
                f"the catalogue makes {self._files} files, {chunks} chunks, {self._plain_bytes} bytes and "
                f"the root {content.hex()[:16]}..., but the sender says {told.files}, {told.chunks}, "
                f"{told.plain_bytes} and {told.content.hex()[:16]}...: run it again"
            )
        return content

    def _pass(self, name: bytes) -> None:
        self._has_root = True
        self._last[-1] = name


def _check(name: bytes) -> None:
    try:
        check_name(name)
    except InputError as error:
        raise TransferRefusedError(f"the sender's tree is not safe to take: {error}") from error
