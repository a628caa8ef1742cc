"""Checks of single values: each takes what CBOR gave and returns it, or says what is wrong with it.

Types are compared exactly, so that a bool never passes for a number. A rule becomes a check once it is told
what the value is called, for the error.
"""

import re
from collections.abc import Callable, Sequence
from typing import Any, TypeAlias

from dwcp.errors import ProtocolError
from dwcp.transfer.protocol.limits import MAX_INT, MAX_NAME_BYTES

__all__ = [
    "Check",
    "Rule",
    "array",
    "boolean",
    "byte_string",
    "byte_string_within",
    "fields",
    "integer",
    "is_safe_name",
    "label",
    "one_of",
    "optional",
    "safe_name",
    "span",
    "spans",
    "text",
]

Check: TypeAlias = Callable[[Any], Any]
"""Takes a decoded value; returns it as the message wants it, or raises ProtocolError."""
Rule: TypeAlias = Callable[[str], Check]
"""Makes the check of a value, told what the value is called."""

_LABEL = re.compile(r"[a-z0-9][a-z0-9_.-]*")


def _rule(passes: Callable[[Any], bool], wanted: str) -> Rule:
    def named(what: str) -> Check:
        def check(value: Any) -> Any:
            if not passes(value):
                raise ProtocolError(f"{what} is not {wanted}")
            return value

        return check

    return named


def integer(low: int = 0, high: int = MAX_INT) -> Rule:
    """An integer of a range, both ends included."""

    def named(what: str) -> Check:
        def check(value: Any) -> int:
            if type(value) is not int or not low <= value <= high:
                raise ProtocolError(f"{what} is not an integer from {low} to {high}")
            return value

        return check

    return named


def boolean(what: str) -> Check:
    """True or false."""

    def check(value: Any) -> bool:
        if type(value) is not bool:
            raise ProtocolError(f"{what} is not true or false")
        return value

    return check


def byte_string(*lengths: int) -> Rule:
    """Bytes of one of these lengths."""
    wanted = f"a byte string of {' or '.join(map(str, lengths))} bytes"
    return _rule(lambda value: type(value) is bytes and len(value) in lengths, wanted)


def byte_string_within(lengths: range) -> Rule:
    """Bytes of a range of lengths."""
    wanted = f"a byte string of {lengths.start} to {lengths[-1]} bytes in steps of {lengths.step}"
    return _rule(lambda value: type(value) is bytes and len(value) in lengths, wanted)


def text(high: int) -> Rule:
    """Text of at most so many characters."""
    return _rule(
        lambda value: type(value) is str and len(value) <= high, f"a text of at most {high} characters"
    )


def label(high: int) -> Rule:
    """A short name of lower-case letters, digits, ``-``, ``_`` and ``.``."""
    wanted = f"a name of 1 to {high} lower-case letters, digits, '-', '_' and '.'"
    return _rule(
        lambda value: type(value) is str and len(value) <= high and bool(_LABEL.fullmatch(value)), wanted
    )


def one_of(*words: str) -> Rule:
    """One of these words."""
    return _rule(lambda value: type(value) is str and value in words, f"one of {', '.join(words)}")


def is_safe_name(value: Any) -> bool:
    """Whether this is one path component that leads nowhere else: no ``/``, no NUL, not ``.`` or ``..``."""
    return (
        type(value) is bytes
        and 0 < len(value) <= MAX_NAME_BYTES
        and b"/" not in value
        and b"\0" not in value
        and value != b"."
        and value != b".."
    )


safe_name: Rule = _rule(is_safe_name, f"one safe path component of 1 to {MAX_NAME_BYTES} bytes")
"""See `is_safe_name`."""


def optional(rule: Rule) -> Rule:
    """Null, or what the rule takes."""

    def named(what: str) -> Check:
        inner = rule(what)
        return lambda value: None if value is None else inner(value)

    return named


def array(each: Rule, high: int, low: int = 0) -> Rule:
    """An array of so many of the same."""

    def named(what: str) -> Check:
        inner = each(f"an entry of {what}")

        def check(value: Any) -> tuple[Any, ...]:
            if type(value) is not tuple or not low <= len(value) <= high:
                raise ProtocolError(f"{what} is not an array of {low} to {high} entries")
            return tuple(map(inner, value))

        return check

    return named


def fields(kind: Callable[..., Any], names: Sequence[str], rules: Sequence[Rule]) -> Rule:
    """An array of as many fields as there are names, each with its rule, made into something.

    Args:
        kind: is called with the fields' values.
        names: of the fields.
        rules: of the fields.
    """

    def named(what: str) -> Check:
        checks = [rule(f"{what}.{name}") for name, rule in zip(names, rules, strict=True)]
        count = len(checks)

        def check(value: Any) -> Any:
            if type(value) is not tuple or len(value) != count:
                raise ProtocolError(f"{what} is not an array of {count} fields")
            return kind(*map(_apply, checks, value))

        return check

    return named


def _apply(check: Check, value: Any) -> Any:
    return check(value)


def span(what: str) -> Check:
    """A pair of a first sequence number and a count of at least 1."""

    def check(value: Any) -> Any:
        _end(value, 0, what)
        return value

    return check


def spans(high: int, low: int = 0) -> Rule:
    """Spans in ascending order that do not overlap."""

    def named(what: str) -> Check:
        def check(value: Any) -> Any:
            if type(value) is not tuple or not low <= len(value) <= high:
                raise ProtocolError(f"{what} is not an array of {low} to {high} spans")
            end = 0
            for one in value:
                end = _end(one, end, what)
            return value

        return check

    return named


def _end(value: Any, begin: int, what: str) -> int:
    if type(value) is not tuple or len(value) != 2:
        raise ProtocolError(f"{what} holds something that is not a span of a first number and a count")
    first, count = value
    if type(first) is not int or type(count) is not int or first < begin or count < 1:
        raise ProtocolError(f"{what} holds an empty span, or one that does not come after the one before it")
    end: int = first + count
    if end > MAX_INT:
        raise ProtocolError(f"{what} reaches beyond the last sequence number, {MAX_INT}")
    return end
