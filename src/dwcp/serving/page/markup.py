"""HTML that is escaped by construction: text is escaped when it becomes part of an element."""

from collections.abc import Iterable
from html import escape
from typing import TypeAlias

__all__ = ["Child", "Markup", "element", "joined"]

_VOID = frozenset({"meta", "link", "br", "input"})


class Markup(str):
    """Text that is HTML already."""

    __slots__ = ()


Child: TypeAlias = "str | Iterable[Child] | None"
"""Text, which is escaped; `Markup`, which is not; None for nothing; or several of these."""


def element(tag: str, /, *children: Child, **attributes: str | float | bool | None) -> Markup:
    """One element.

    Args:
        tag: name of the element.
        children: what is in it.
        attributes: by name, ``_`` standing for ``-`` but at the end, where it keeps Python's words apart.
            None and False leave one out, True gives its name alone.
    """
    told = "".join(
        f" {_name(key)}" if value is True else f' {_name(key)}="{escape(_value(value))}"'
        for key, value in attributes.items()
        if value is not None and value is not False
    )
    if tag in _VOID:
        return Markup(f"<{tag}{told}>")
    return Markup(f"<{tag}{told}>{joined(children)}</{tag}>")


def joined(children: Child) -> Markup:
    """Several in a row."""
    if children is None:
        return Markup("")
    if isinstance(children, Markup):
        return children
    if isinstance(children, str):
        return Markup(escape(children, quote=False))
    return Markup("".join(map(joined, children)))


def _name(key: str) -> str:
    return key.rstrip("_").replace("_", "-")


def _value(value: str | float) -> str:
    return value if isinstance(value, str) else f"{value:.6g}"
