"""Which column of a table is which column of the schema: exact, or refused."""

from collections import Counter
from collections.abc import Collection, Mapping, Sequence

from dwcp.errors import SchemaError
from dwcp.telemetry.schema import KINDS, Kind
from dwcp.telemetry.sources.source import Unknown

__all__ = ["infer_kind", "map_columns"]

_TIMES = ("timestamp", "epoch_time")


def map_columns(
    table: str, found: Sequence[str], kind: Kind, renames: Mapping[str, str], unknown: Unknown
) -> dict[str, str]:
    """The schema's name of each column that was found and is known.

    Args:
        table: what to call the table in messages.
        found: the table's columns.
        kind: the kind its records should be.
        renames: the schema's name for columns that are called otherwise in the table.
        unknown: whether columns that the kind does not have are refused or left out of the mapping.

    Raises:
        SchemaError: a column is unknown, there twice, required and not there, or renamed and not there.
    """
    _refuse(table, "has two columns called", [name for name, count in Counter(found).items() if count > 1])
    _refuse(table, "does not have the renamed", [name for name in renames if name not in found])
    mapping = {name: renames.get(name, name) for name in found}
    strangers = [name for name in found if mapping[name] not in kind.by_name]
    if unknown == "refuse":
        _refuse(table, f"is no {kind.name} table: it has the unknown", strangers)
    known = {name: target for name, target in mapping.items() if name not in strangers}
    _refuse(table, "maps two columns to", [n for n, count in Counter(known.values()).items() if count > 1])
    _refuse(table, f"is no {kind.name} table: it lacks the required", _lacking(known.values(), kind))
    return known


def infer_kind(table: str, found: Sequence[str], renames: Mapping[str, str]) -> Kind:
    """The one kind whose columns these can be.

    A kind fits if it has all the columns and requires no other. Of several, the one with exactly these
    columns is meant.

    Raises:
        SchemaError: no kind fits, or several do.
    """
    names = {renames.get(name, name) for name in found}
    fitting = [kind for kind in KINDS.values() if names <= kind.by_name.keys() and not _lacking(names, kind)]
    exact = [kind for kind in fitting if names == kind.by_name.keys()]
    if len(exact or fitting) == 1:
        return (exact or fitting)[0]
    which = ", ".join(kind.name for kind in fitting) or "none"
    raise SchemaError(f"{table}: the columns fit {which} of the record kinds; name the kind")


def _lacking(names: Collection[str], kind: Kind) -> list[str]:
    """Required columns that are not there; one of the two times stands for both."""
    there = {*names, *(_TIMES if any(time in names for time in _TIMES) else ())}
    return [name for name in (*kind.keys, *kind.required) if name not in there]


def _refuse(table: str, complaint: str, names: Sequence[str]) -> None:
    if names:
        some = ", ".join(repr(name) for name in names[:5]) + (" and others" if len(names) > 5 else "")
        raise SchemaError(f"{table} {complaint} {'columns' if len(names) > 1 else 'column'} {some}")
