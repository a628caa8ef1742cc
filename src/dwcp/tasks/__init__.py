"""The things to learn, one folder each."""

from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from dwcp.task import Task

__all__ = ["discover"]


def discover() -> dict[str, "Task"]:
    """Every task there is, by name: each folder with a ``task`` module holds one as ``TASK``.

    A folder with a contract alone is no task yet: callers ask, and get what the advisor has without one.
    """
    folders = sorted(file.parent.name for path in __path__ for file in Path(path).glob("*/task.py"))
    return {name: import_module(f"{__name__}.{name}.task").TASK for name in folders}
