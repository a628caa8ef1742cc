"""Building markup that is balanced and escaped by construction."""

import re
from collections.abc import Iterable
from html import escape

__all__ = ["Markup", "coordinate", "element", "join"]

_FORBIDDEN = re.compile("[^\t\n\r\x20-\x7e\xa0-\ud7ff\ue000-\ufdcf\ufdf0-\ufffd\U00010000-\U0010ffff]")
_VOID = frozenset({"br", "hr", "link", "meta"})


class Markup(str):
    """Text that is markup already; any other string is escaped where it enters."""

    __slots__ = ()


def element(tag: str, *children: str, **attributes: str | float | None) -> Markup:
    """An element with its children.

    Args:
        tag: name of the element.
        children: `Markup` goes in as it is, any other string is escaped.
        attributes: ``class_`` stands for ``class`` and ``_`` for ``-``; None leaves an attribute out.
    """
    pairs = "".join(
        f' {name.strip("_").replace("_", "-")}="{_escaped(_text(value))}"'
        for name, value in attributes.items()
        if value is not None
    )
    if tag in _VOID:
        return Markup(f"<{tag}{pairs}>")
    return Markup(f"<{tag}{pairs}>{join(children)}</{tag}>")


def join(children: Iterable[str]) -> Markup:
    """Children one after the other, plain strings escaped."""
    return Markup("".join(child if isinstance(child, Markup) else _escaped(child) for child in children))


def coordinate(value: float) -> str:
    """A length in user units with at most two decimals."""
    return f"{value:.2f}".rstrip("0").rstrip(".")


def _text(value: str | float) -> str:
    return value if isinstance(value, str) else coordinate(value)


def _escaped(text: str) -> str:
    """Escape for text and attributes; what no document may hold becomes the replacement character."""
    return escape(_FORBIDDEN.sub("\ufffd", text), quote=True)
