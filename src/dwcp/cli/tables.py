"""Which table a task learns from, or is judged on."""

from collections.abc import Sequence
from pathlib import Path

from dwcp.cli.session import Session
from dwcp.errors import InputError

__all__ = ["table_for", "tables_by_task"]

_RECORDINGS = frozenset({"consensus"})
"""Tasks that learn from recordings, each a folder; a folder of several will do."""


def tables_by_task(tasks: Sequence[str], given: Sequence[str]) -> dict[str, Path]:
    """The tables of ``--data``: ``FILE`` for a single task, ``TASK=FILE`` for any.

    Raises:
        InputError: it is not clear which task a file is for, or a task is not among those named.
    """
    tables: dict[str, Path] = {}
    for text in given:
        name, separator, file = text.partition("=")
        if not separator or name not in tasks:
            if len(tasks) > 1:
                raise InputError(f"--data {text} does not say for which task; write TASK={text}")
            name, file = tasks[0], text
        if name in tables:
            raise InputError(f"{name} has two tables, {tables[name]} and {file}; name one")
        tables[name] = Path(file)
    return tables


def table_for(session: Session, task_name: str, given: Path | None) -> Path | None:
    """The table that was given, else the measured one of the home, else None: simulate.

    Raises:
        InputError: the table that was given is no file that can be read.
    """
    if given is None:
        measured = session.table(task_name)
        return measured if measured.exists() else None
    if given.is_dir() and task_name not in _RECORDINGS:
        raise InputError(f"{given} is a folder; name the table, a Parquet file")
    try:
        if not given.is_dir():
            given.open("rb").close()
    except OSError as error:
        reason = str(error.strerror).lower()
        raise InputError(f"{given} cannot be read: {reason}; dwcp measure writes such a table") from error
    return given
