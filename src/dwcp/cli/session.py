"""What every command is given: where things are and how much to say."""

import os
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

import typer

if TYPE_CHECKING:
    from dwcp.registry import Registry
    from dwcp.settings import Settings

__all__ = ["Session", "session_of"]

_USUAL_HOME = Path(".dwcp")
"""That of `dwcp.settings.Settings`."""


class Session:
    """One call of the command line. Settings are read when first asked for, so help never fails on them."""

    def __init__(self) -> None:
        self.config: Path | None = None
        self.home_flag: Path | None = None
        self.quiet = False
        self.debug = False
        self.interrupted = "interrupted"
        """What is said after Ctrl-C."""
        self.leaves_at_once = False
        """Whether the process ends without waiting for its threads, once all is said."""

    @cached_property
    def settings(self) -> "Settings":
        """The settings file, below the environment, below the flags.

        Raises:
            SettingsError: the file cannot be read, or a value is unknown or out of range.
        """
        from dwcp.settings import load_settings

        return load_settings(self.config, home=self.home_flag)

    @property
    def home(self) -> Path:
        """The folder that holds the registry, telemetry and measured tables.

        Without a settings file it is known before all settings are read, which takes longer than a short
        command.
        """
        if self.config is None and (told := self.home_flag or os.environ.get("DWCP_HOME")):
            return Path(told)
        if self.config is None and not any(name.lower() == "dwcp_home" for name in os.environ):
            return _USUAL_HOME
        return self.settings.home

    def table(self, task_name: str) -> Path:
        """Where a task's measured table lies unless told otherwise."""
        return self.home / "tables" / f"{task_name}.parquet"

    def registry(self, root: Path | None = None) -> "Registry":
        """The registry of the home, or the one that was named."""
        from dwcp.registry import Registry

        return Registry(root or self.home / "registry")


def session_of(context: typer.Context) -> Session:
    """The session that a command's context carries."""
    return context.ensure_object(Session)
