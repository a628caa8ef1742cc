"""What a record may hold: the allow-list, checked value by value."""

import re
import sys
from collections.abc import Callable, Mapping
from datetime import MAXYEAR, MINYEAR, UTC, datetime, timedelta

from msgspec import Struct

from dwcp.errors import RecordRefusedError
from dwcp.telemetry.privacy import IdentifierHasher
from dwcp.telemetry.rule import Rule
from dwcp.telemetry.schema import KINDS, MAX_TEXT_CHARACTERS, Column, DType, Kind, Row, Value

__all__ = ["Refusal", "admit", "check_record"]

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_GIVEN_BY_RECORDER = ("timestamp", "epoch_time")
_NAME_CHARACTERS = 64


class Refusal(Struct, frozen=True):
    """Why a record is refused. Names the field and the rule, never the value: that may be content."""

    rule: Rule
    sentence: str


def admit(kind: str, epoch_time: int, fields: Mapping[str, Value], hasher: IdentifierHasher) -> Row | Refusal:
    """A record as a row of its kind, identifiers hashed; or why it is refused.

    Args:
        kind: the name of the record's kind.
        epoch_time: when, in ns since 1970-01-01 UTC.
        fields: a dict of the other columns by name; a missing value may be left out or None.
            ``timestamp`` and ``epoch_time`` are filled in here and may not be among them.
        hasher: hashes the identifiers, which are given in clear.
    """
    own = dict(fields) if isinstance(fields, dict) else fields  # what is checked is what is stored
    refusal = _find_refusal(kind, epoch_time, own)
    return _row(KINDS[kind], epoch_time, own, hasher) if refusal is None else refusal


def check_record(kind: str, epoch_time: int, fields: Mapping[str, Value]) -> None:
    """Check one record at once, as `admit` does later for those that go through a recorder.

    Raises:
        RecordRefusedError: the record is not content-free or not in the schema.
    """
    refusal = _find_refusal(kind, epoch_time, fields)
    if refusal is not None:
        raise RecordRefusedError(refusal.sentence)


def _row(kind: Kind, epoch_time: int, fields: Mapping[str, Value], hasher: IdentifierHasher) -> Row:
    row: Row = dict.fromkeys(kind.by_name)
    for name, value in fields.items():
        row[name] = _stored(kind.by_name[name].dtype, value)
    row["epoch_time"] = epoch_time
    row["timestamp"] = _EPOCH + timedelta(microseconds=epoch_time // 1000)
    for name, namespace in kind.hashed.items():
        identifier = row[name]
        if isinstance(identifier, str):
            row[name] = hasher.hash(identifier, namespace)
    return row


def _stored(dtype: DType, value: Value) -> Value:
    if dtype is DType.FLOAT64 and isinstance(value, int):
        return float(value)
    return value.astimezone(UTC) if isinstance(value, datetime) else value


def _find_refusal(kind: object, epoch_time: object, fields: object) -> Refusal | None:
    """Trusts nothing: a caller's mistake must not stop the records of others."""
    if not isinstance(kind, str) or kind not in KINDS:
        return Refusal(Rule.UNKNOWN_KIND, f"there is no record kind {str(kind)[:_NAME_CHARACTERS]!r}")
    if not isinstance(fields, dict):
        return Refusal(Rule.TYPE, f"a {kind} record is refused: its fields are not a dict")
    columns = KINDS[kind].by_name
    refusal = _check_value(kind, columns["epoch_time"], epoch_time)
    if refusal is not None:
        return refusal
    for name in KINDS[kind].series:
        if fields.get(name) is None:
            return _refusal(Rule.MISSING_KEY, kind, name, "is missing")
    for name, value in fields.items():
        if name not in columns or name in _GIVEN_BY_RECORDER:
            return _refusal(Rule.UNKNOWN_COLUMN, kind, name, "is not one that may be recorded")
        refusal = None if value is None else _check_value(kind, columns[name], value)
        if refusal is not None:
            return refusal
    return None


def _refusal(rule: Rule, kind: str, name: str, complaint: str) -> Refusal:
    return Refusal(rule, f"a {kind} record is refused: field {str(name)[:_NAME_CHARACTERS]!r} {complaint}")


def _check_value(kind: str, column: Column, value: object) -> Refusal | None:
    if not _IS_TYPE[column.dtype](value):
        return _refusal(Rule.TYPE, kind, column.name, f"is not of type {column.dtype}")
    if isinstance(value, str):
        return _check_text(kind, column, value)
    if isinstance(value, int | float) and not _within(column, value):
        return _refusal(Rule.RANGE, kind, column.name, "is out of range")
    return None


def _check_text(kind: str, column: Column, value: str) -> Refusal | None:
    if len(value) > MAX_TEXT_CHARACTERS:
        return _refusal(Rule.TOO_LONG, kind, column.name, f"is over {MAX_TEXT_CHARACTERS} characters")
    if column.categories and value not in column.categories:
        return _refusal(Rule.CATEGORY, kind, column.name, f"is none of {', '.join(column.categories)}")
    return None


def _within(column: Column, value: float) -> bool:
    """NaN compares false with everything, so it is out of every range, as infinity is."""
    low = -_LARGEST if column.low is None else column.low
    high = _LARGEST if column.high is None else column.high
    return low <= value <= high


def _is_int(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and -(2**63) <= value < 2**63


def _is_float(value: object) -> bool:
    return isinstance(value, float) or _is_int(value)


def _is_time(value: object) -> bool:
    """With a zone, and clear of the calendar's ends, where a change of zone would leave it."""
    return isinstance(value, datetime) and value.tzinfo is not None and MINYEAR < value.year < MAXYEAR


def _is_text(value: object) -> bool:
    """Free of lone surrogates, which no file can hold."""
    return isinstance(value, str) and (value.isascii() or not _SURROGATE.search(value))


_LARGEST = sys.float_info.max
_SURROGATE = re.compile("[\ud800-\udfff]")
_IS_TYPE: Mapping[DType, Callable[[object], bool]] = {
    DType.INT64: _is_int,
    DType.FLOAT64: _is_float,
    DType.BOOL: lambda value: isinstance(value, bool),
    DType.STRING: _is_text,
    DType.TIMESTAMP: _is_time,
}
