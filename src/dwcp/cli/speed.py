"""This machine's speed, measured once and kept in the home."""

import json
import platform
from collections.abc import Callable
from contextlib import suppress
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from dwcp.cli.machine import processor
from dwcp.errors import StorageError
from dwcp.evaluation.files import atomic_write

__all__ = ["Speed", "machine_speed"]

Speed = tuple[tuple[str, float], ...]
"""Milliseconds per MiB of each candidate, by name."""

_LIBRARIES = ("backports.zstd", "cramjam", "lz4")


def machine_speed(home: Path, calibrate: Callable[[], Speed]) -> Speed:
    """The speed from the home, or measured anew when there is none of this machine and these libraries.

    A home that may not be written only costs the second of measuring again.
    """
    file, machine = home / "speed.json", _machine()
    known = _read(file, machine)
    if known is not None:
        return known
    speed = calibrate()
    content = json.dumps({"machine": machine, "ms_per_mib": dict(speed)}, indent=2) + "\n"
    with suppress(StorageError):
        atomic_write(file, content.encode())
    return speed


def _machine() -> dict[str, str]:
    versions = {}
    for name in _LIBRARIES:
        try:
            versions[name] = version(name)
        except PackageNotFoundError:
            versions[name] = "none"
    return {"processor": processor(), "python": platform.python_version(), **versions}


def _read(file: Path, machine: dict[str, str]) -> Speed | None:
    try:
        content = json.loads(file.read_bytes())
        if content["machine"] != machine:
            return None
        return tuple((str(name), float(speed)) for name, speed in content["ms_per_mib"].items())
    except (OSError, ValueError, LookupError, TypeError, AttributeError):
        return None
