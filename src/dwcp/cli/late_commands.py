"""Commands whose modules are loaded when they are called: a transfer does not wait for what trains."""

from collections.abc import Iterator, MutableMapping
from importlib import import_module
from typing import Any

import typer
from typer.core import TyperGroup
from typer.main import get_group

__all__ = ["COMMANDS", "LateGroup"]

COMMANDS = {
    "demo": "dwcp.cli.demo",
    "send": "dwcp.cli.send",
    "receive": "dwcp.cli.receive",
    "sync": "dwcp.cli.send",
    "store": "dwcp.cli.store",
    "measure": "dwcp.cli.measure",
    "train": "dwcp.cli.train",
    "evaluate": "dwcp.cli.evaluate",
    "advise": "dwcp.cli.advise",
    "predict": "dwcp.cli.predict",
    "watch": "dwcp.cli.watch",
    "detect": "dwcp.cli.detect",
    "doctor": "dwcp.cli.doctor",
    "keys": "dwcp.cli.keys",
    "simulate": "dwcp.cli.simulate",
    "data": "dwcp.cli.data",
    "models": "dwcp.cli.models",
    "serve": "dwcp.cli.serve",
    "rollout": "dwcp.cli.rollout",
    "shadow": "dwcp.cli.shadow",
    "experiment": "dwcp.cli.experiment",
    "ops": "dwcp.cli.ops",
}
"""The module of each command, in the order of the help. In it, the command or group has the same name."""


class LateGroup(TyperGroup):
    """A group of the commands in `COMMANDS`."""

    def __init__(self, **settings: Any) -> None:
        super().__init__(**settings)
        self.commands = _Commands(self.rich_markup_mode)


class _Commands(MutableMapping[str, Any]):
    """All names are known; what they stand for is made when it is asked for."""

    def __init__(self, markup: Any) -> None:
        self._markup = markup
        self._made: dict[str, Any] = {}

    def __getitem__(self, name: str) -> Any:
        if name not in self._made:
            self._made[name] = self._make(name)
        return self._made[name]

    def __setitem__(self, name: str, command: Any) -> None:
        self._made[name] = command

    def __delitem__(self, name: str) -> None:
        del self._made[name]

    def __iter__(self) -> Iterator[str]:
        return iter(COMMANDS)

    def __len__(self) -> int:
        return len(COMMANDS)

    def _make(self, name: str) -> Any:
        found = getattr(import_module(COMMANDS[name]), name)
        holder = typer.Typer(add_completion=False, rich_markup_mode=self._markup)
        if isinstance(found, typer.Typer):
            holder.add_typer(found)
        else:
            holder.command(name)(found)
        return get_group(holder).commands[name]
