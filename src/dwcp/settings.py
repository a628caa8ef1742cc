"""Frozen settings: a TOML or YAML file, then the environment (``DWCP_...``), then flags."""

import tomllib
from pathlib import Path
from typing import Any

import yaml
from pydantic import Field, ValidationError
from pydantic_settings import (
    BaseSettings,
    InitSettingsSource,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
)

from dwcp.errors import SettingsError

__all__ = ["Settings", "load_settings"]


class Settings(BaseSettings):
    """What may be set, with its default."""

    model_config = SettingsConfigDict(env_prefix="DWCP_", frozen=True, extra="forbid")

    home: Path = Path(".dwcp")
    """Folder that holds the registry, telemetry and measured tables."""
    hint_deadline_ms: float = Field(default=5.0, gt=0)
    """Longest an advisor may take before the fallback answers."""
    cpu_workers: int = Field(default=1, ge=1, le=1024)
    """Cores that may compress at the same time."""


def load_settings(file: Path | None = None, **flags: Any) -> Settings:
    """Read the file, let the environment override it, let flags override both.

    Args:
        file: a ``.toml``, ``.yaml`` or ``.yml`` file; None for the defaults.
        flags: values from the command line; None means not given.

    Raises:
        SettingsError: the file cannot be read, or a value is unknown or out of range.
    """
    values = {} if file is None else _read(file)

    class FileBelowEnvironment(Settings):
        @classmethod
        def settings_customise_sources(
            cls,
            settings_cls: type[BaseSettings],
            init_settings: PydanticBaseSettingsSource,
            env_settings: PydanticBaseSettingsSource,
            dotenv_settings: PydanticBaseSettingsSource,
            file_secret_settings: PydanticBaseSettingsSource,
        ) -> tuple[PydanticBaseSettingsSource, ...]:
            return init_settings, env_settings, InitSettingsSource(settings_cls, values)

    try:
        return FileBelowEnvironment(**{k: v for k, v in flags.items() if v is not None})
    except ValidationError as error:
        raise SettingsError(_sentence(error, file)) from error


def _read(file: Path) -> dict[str, Any]:
    try:
        text = file.read_text(encoding="utf-8")
        values = tomllib.loads(text) if file.suffix == ".toml" else yaml.safe_load(text)
    except (OSError, ValueError, yaml.YAMLError) as error:
        raise SettingsError(f"settings file {file} cannot be read: {error}") from error
    if not isinstance(values, dict):
        raise SettingsError(f"settings file {file} must hold names and values, one a line")
    return values


def _sentence(error: ValidationError, file: Path | None) -> str:
    first = error.errors()[0]
    name = ".".join(str(part) for part in first["loc"])
    where = f" in {file}, the environment (DWCP_{name.upper()}) or the flags" if file else ""
    return f"setting {name!r}{where}: {first['msg'].lower()}"
