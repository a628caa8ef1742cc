"""Flags: the published JSON keys, read from a file, checked, and read again when the file changes.

::

    {"forceV1Mode": false, "v3RolloutPercentage": 25, "enableV3Compression": true}

What each means here; a key that is left out restricts nothing:

================================  ==========================================================================
``forceV1Mode``                   true: the kill switch of all tasks; rules answer everything
``v3RolloutPercentage``           0 to 100: the largest share of units that may get any candidate
``enableV3Transport``             false: the kill switch of peers and gossip
``enableV3Compression``           false: the kill switch of compression and dedup
``enableV3Prediction``            false: the kill switch of bandwidth, consensus, prefetch and reliability
``enableHybridMode``              false: a link is told as data centre or internet, never as something between
``enableModeDetection``           false: a link's mode is not told at all
================================  ==========================================================================

The last two concern how modes are told, not whether models are asked: they are there to be read.
"""

import json
import logging
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType

from dwcp.errors import SettingsError

__all__ = ["FLAGS_NAME", "KEYS", "TASKS_OF", "Flags", "FlagsFile", "parse_flags"]

_log = logging.getLogger(__name__)

FLAGS_NAME = "flags.json"
"""The file in a home."""

KEYS: Mapping[str, str] = MappingProxyType(
    {
        "enableV3Transport": "v3_transport",
        "enableV3Compression": "v3_compression",
        "enableV3Prediction": "v3_prediction",
        "v3RolloutPercentage": "rollout_percentage",
        "forceV1Mode": "force_v1_mode",
        "enableHybridMode": "hybrid_mode",
        "enableModeDetection": "mode_detection",
    }
)
"""Each published key with the attribute of `Flags` that holds it."""

TASKS_OF: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "enableV3Transport": ("gossip", "peers"),
        "enableV3Compression": ("compression", "dedup"),
        "enableV3Prediction": ("bandwidth", "consensus", "prefetch", "reliability"),
    }
)
"""The tasks that each of these keys stops when it is false."""


@dataclass(frozen=True, slots=True)
class Flags:
    """What the flags say.

    Attributes:
        v3_transport: whether models may choose peers.
        v3_compression: whether models may choose codecs and similar blocks.
        v3_prediction: whether models may forecast and detect.
        rollout_percentage: the largest share of units that may get a candidate.
        force_v1_mode: whether every model is stopped.
        hybrid_mode: whether a link may be told as something between data centre and internet.
        mode_detection: whether a link's mode is told.
    """

    v3_transport: bool = True
    v3_compression: bool = True
    v3_prediction: bool = True
    rollout_percentage: int = 100
    force_v1_mode: bool = False
    hybrid_mode: bool = True
    mode_detection: bool = True

    def disabled(self, task: str) -> str | None:
        """Why no model of a task may be asked; None when one may."""
        if self.force_v1_mode:
            return "the flag forceV1Mode is set"
        for key, tasks in TASKS_OF.items():
            if task in tasks and not getattr(self, KEYS[key]):
                return f"the flag {key} is off"
        return None


class FlagsFile:
    """Flags in a file. `current` is an attribute; `poll` costs one ``stat`` while nothing changes.

    A new content with a fault leaves the old flags in force, and so does a file that is gone: a switch that
    was pulled is never let go by an accident.

    Args:
        path: the file; one that is not there yet restricts nothing.

    Raises:
        SettingsError: it is there and has a fault.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.current = Flags()
        """What is in force."""
        self.fault = ""
        """Why the file's present content is not in force; empty when it is."""
        self._stamp = self._stat()
        if self._stamp is not None:
            self.current = self._read()

    def poll(self) -> bool:
        """Read the file again when it changed; whether other flags are in force now. Never raises."""
        stamp = self._stat()
        if stamp == self._stamp:
            return False
        self._stamp, before = stamp, self.current
        try:
            self.current, self.fault = self._read(), ""
        except SettingsError as error:
            self.fault = f"{error}; the flags read before stay in force"
            _log.error("%s", self.fault)
        return self.current != before

    def _stat(self) -> tuple[int, int, int] | None:
        try:
            found = os.stat(self.path)  # noqa: PTH116 - half the time of Path.stat
        except OSError:
            return None
        return found.st_mtime_ns, found.st_size, found.st_ino

    def _read(self) -> Flags:
        try:
            content = self.path.read_bytes()
        except OSError as error:
            raise SettingsError(f"the flags {self.path} cannot be read: {error.strerror or error}") from error
        return parse_flags(content, str(self.path))


def parse_flags(content: bytes, where: str) -> Flags:
    """Flags from JSON.

    Args:
        content: the JSON text.
        where: names it in the message.

    Raises:
        SettingsError: not a JSON object, a key that is unknown or there twice, a type or range that is wrong;
            the message has one clause for each fault.
    """
    try:
        pairs = json.loads(content, object_pairs_hook=tuple)
    except (ValueError, RecursionError) as error:
        raise SettingsError(f"the flags {where} are not JSON: {error}") from error
    if not isinstance(pairs, tuple):
        raise SettingsError(f"the flags {where} are not a JSON object of keys and values")
    faults, values = [], {}
    for key, value in pairs:
        fault = f"{key} is there twice" if key in values else _fault(key, value)
        values[key] = value
        if fault:
            faults.append(fault)
    if faults:
        raise SettingsError(f"the flags {where} cannot be used: {'; '.join(faults)}")
    return Flags(**{KEYS[key]: value for key, value in values.items()})


def _fault(key: str, value: object) -> str:
    if key not in KEYS:
        return f"{key!r} is not a flag (flags are {', '.join(KEYS)})"
    if key == "v3RolloutPercentage":
        if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value <= 100:
            return f"{key} must be a whole number from 0 to 100, not {_shown(value)}"
    elif not isinstance(value, bool):
        return f"{key} must be true or false, not {_shown(value)}"
    return ""


def _shown(value: object) -> str:
    return json.dumps(value)[:40]
