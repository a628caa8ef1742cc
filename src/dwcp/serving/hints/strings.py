"""Shapes of what JSON writes as a string: text, words, names of enumerations, and bytes."""

import base64
import binascii
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from dwcp.errors import InputError
from dwcp.serving.hints.places import Where, at, in_words
from dwcp.serving.hints.shapes import Schema

__all__ = ["Choice", "Octets", "Text", "Word", "base64_of"]


@dataclass(frozen=True, slots=True)
class Text:
    """A string.

    Attributes:
        least: characters.
        most: characters.
    """

    least: int = 0
    most: int = 256

    def read(self, value: Any, where: Where) -> str:
        """See `Shape.read`."""
        if not isinstance(value, str):
            raise InputError(f"{at(where)} takes a string, not {in_words(value)}")
        if not self.least <= len(value) <= self.most:
            raise InputError(
                f"{at(where)} has {len(value)} characters; it must have from {self.least} to {self.most}"
            )
        return value

    def write(self, value: str) -> str:
        """See `Shape.write`."""
        return value

    def schema(self) -> Schema:
        """See `Shape.schema`."""
        return {"type": "string", "minLength": self.least, "maxLength": self.most}


@dataclass(frozen=True, slots=True)
class Choice:
    """A name out of an enumeration; the protocol writes names in capitals.

    Attributes:
        values: the contract's, the first being what a protobuf message without the field means.
        build: makes the contract's value of one of them.
    """

    values: tuple[str, ...]
    build: Callable[[str], Any] = str

    @property
    def names(self) -> tuple[str, ...]:
        """As the protocol writes them."""
        return tuple(value.upper() for value in self.values)

    def read(self, value: Any, where: Where) -> Any:
        """See `Shape.read`."""
        if not isinstance(value, str) or value not in self.names:
            raise InputError(f"{at(where)} takes one of {', '.join(self.names)}, not {in_words(value)}")
        return self.build(self.values[self.names.index(value)])

    def write(self, value: str) -> str:
        """See `Shape.write`."""
        return value.upper()

    def schema(self) -> Schema:
        """See `Shape.schema`."""
        return {"type": "string", "enum": list(self.names)}


@dataclass(frozen=True, slots=True)
class Word:
    """A string out of a vocabulary that may grow: no enumeration in protobuf.

    Attributes:
        values: as they are written.
    """

    values: tuple[str, ...]

    def read(self, value: Any, where: Where) -> str:
        """See `Shape.read`."""
        if not isinstance(value, str) or value not in self.values:
            raise InputError(f"{at(where)} takes one of {', '.join(self.values)}, not {in_words(value)}")
        return value

    def write(self, value: str) -> str:
        """See `Shape.write`."""
        return value

    def schema(self) -> Schema:
        """See `Shape.schema`."""
        return {"type": "string", "enum": list(self.values)}


@dataclass(frozen=True, slots=True)
class Octets:
    """Bytes; in JSON base64 with padding (RFC 4648, section 4).

    Attributes:
        most: bytes; there is at least one.
    """

    most: int = 64

    def read(self, value: Any, where: Where) -> bytes:
        """See `Shape.read`."""
        content = value if isinstance(value, bytes) else self._decoded(value, where)
        if not 1 <= len(content) <= self.most:
            raise InputError(f"{at(where)} has {len(content)} bytes; it must have from 1 to {self.most}")
        return content

    def write(self, value: bytes) -> bytes:
        """See `Shape.write`."""
        return value

    def schema(self) -> Schema:
        """See `Shape.schema`."""
        whole = self.most // 3
        pattern = f"^([A-Za-z0-9+/]{{4}}){{0,{whole}}}([A-Za-z0-9+/]{{2}}==|[A-Za-z0-9+/]{{3}}=)?$"
        return {"type": "string", "contentEncoding": "base64", "pattern": pattern, "minLength": 4}

    def _decoded(self, value: Any, where: Where) -> bytes:
        if not isinstance(value, str):
            raise InputError(f"{at(where)} takes base64, not {in_words(value)}")
        try:
            return base64.b64decode(value, validate=True)
        except (binascii.Error, ValueError) as error:
            raise InputError(f"{at(where)} is not base64 with padding") from error


def base64_of(value: object) -> str:
    """Bytes as JSON has them, for what writes JSON and does not know them.

    Raises:
        TypeError: it is something else.
    """
    if not isinstance(value, bytes):
        raise TypeError(type(value).__name__)
    return base64.b64encode(value).decode()
