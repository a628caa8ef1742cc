"""The things to learn, one folder each."""

import pkgutil
from importlib import import_module

from dwcp.task import Task

__all__ = ["discover"]


def discover() -> dict[str, Task]:
    """Every task there is, by name: each folder's ``task`` module holds one as ``TASK``."""
    folders = sorted(module.name for module in pkgutil.iter_modules(__path__) if module.ispkg)
    return {name: import_module(f"{__name__}.{name}.task").TASK for name in folders}
