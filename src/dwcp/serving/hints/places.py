"""Places in a request, and what stood there, in words."""

from collections.abc import Mapping
from typing import Any, TypeAlias

__all__ = ["Where", "at", "in_words"]

Where: TypeAlias = "tuple[Where, str | int] | None"
"""A field's place: the place of what holds it, and its name or number there. None for the whole request.

Put into words only where something is wrong: most requests are right.
"""


def at(where: Where) -> str:
    """A place in words: ``context.steps[3].rtt_ms``."""
    if where is None:
        return "the request"
    holder, name = where
    if isinstance(name, int):
        return f"{at(holder)}[{name}]"
    return name if holder is None else f"{at(holder)}.{name}"


def in_words(value: Any) -> str:
    """What somebody sent, in a few words."""
    if isinstance(value, str):
        return f"{value[:32]!r}"
    if isinstance(value, Mapping):
        return "an object"
    if value is None or isinstance(value, bool):
        return {None: "null", True: "true", False: "false"}[value]
    return f"{value!r:.32}" if isinstance(value, int | float) else f"a value of type {type(value).__name__}"
