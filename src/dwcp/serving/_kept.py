"""What survives a restart in a file of its own."""

import logging
from collections.abc import Callable
from pathlib import Path
from typing import Protocol

from dwcp.errors import DwcpError, InputError
from dwcp.evaluation.files import atomic_write

__all__ = ["Kept", "KeptFile", "Say"]

Say = Callable[[str, str], None]

_log = logging.getLogger(__name__)


class Kept(Protocol):
    """Something that goes on after a restart where it was. Safe from any thread."""

    def snapshot(self) -> bytes:
        """All of it, for `restore`."""
        ...

    def restore(self, content: bytes, now: float) -> None:
        """Go on from a snapshot.

        Args:
            content: the snapshot.
            now: seconds since 1970.

        Raises:
            InputError: it is none, or of another format; nothing is changed.
        """
        ...


class KeptFile:
    """A file that is written as a whole, where something has changed.

    Args:
        path: the file.
        what: it holds, in words.
        say: told once of a file that cannot be used.
    """

    def __init__(self, path: Path, what: str, say: Say) -> None:
        self.path = path
        self._what = what
        self._say = say
        self._written = b""
        self._trouble = ""

    def read(self) -> bytes | None:
        """What it holds; None where it is not there, or cannot be read."""
        try:
            return self.path.read_bytes()
        except FileNotFoundError:
            return None
        except OSError as error:
            self.refuse(error.strerror or str(error))
            return None

    def refuse(self, fault: str) -> None:
        """Say that what it holds cannot be used."""
        self._say("forgotten", f"{self.path} cannot be used ({fault}): {self._what} begins anew")

    def restore(self, kept: Kept, now: float) -> None:
        """Let something go on from it; see `Kept.restore`."""
        content = self.read()
        if content is None:
            return
        try:
            kept.restore(content, now)
        except InputError as error:
            self.refuse(str(error))

    def write(self, encode: Callable[[], bytes]) -> None:
        """Write it, where it has changed. Never raises a `DwcpError`: trouble is logged, once.

        Args:
            encode: gives what to write; may raise `ValueError` and `TypeError`.
        """
        try:
            content = encode()
            if content != self._written:
                atomic_write(self.path, content)
                self._written = content
            self._trouble = ""
        except (DwcpError, ValueError, TypeError) as error:
            if str(error) != self._trouble:
                self._trouble = str(error)
                _log.error("%s cannot be kept: %s", self._what, error)
