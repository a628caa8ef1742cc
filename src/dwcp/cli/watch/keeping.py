"""What a watcher keeps for the next time: the detector's memory, and which alarms stand."""

from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from dwcp.cli.detect_events import Episodes
from dwcp.cli.output import note
from dwcp.errors import InputError, StorageError

if TYPE_CHECKING:
    from dwcp.cli.detecting import Detector
    from dwcp.cli.session import Session

__all__ = ["Keeping"]

_EVERY_S = 30.0
"""What was learned is written so often: no more is lost when the process is killed."""
_OLD_S = 3600.0
"""Alarms that stood longer ago are no longer taken for standing."""


class Keeping:
    """Reads what was kept at once; writes it every so often, and in the end.

    Args:
        session: whom to tell.
        detector: what remembers.
        episodes: the alarms.
        file: where it is kept.
        now_s: seconds since 1970.
    """

    def __init__(
        self, session: "Session", detector: "Detector", episodes: Episodes, file: Path, now_s: float
    ) -> None:
        self._session, self._detector, self._episodes, self._file = session, detector, episodes, file
        self._kept_s = now_s
        try:
            kept = detector.load(file)
            if now_s - float(kept.get("kept_s", now_s)) <= _OLD_S:
                episodes.restore(kept.get("episodes", {}))
        except (InputError, ValueError, TypeError) as error:
            note(session, f"nothing is known from before: {error}")

    def now_and_then(self, now_s: float) -> None:
        """Write, if that was some time ago; a failure is told in the end."""
        if now_s - self._kept_s >= _EVERY_S:
            with suppress(StorageError):
                self._save(now_s)

    def last(self, now_s: float) -> None:
        """Write, and say where that fails."""
        try:
            self._save(now_s)
        except StorageError as error:
            note(self._session, f"what was learned is not kept: {error}")

    def _save(self, now_s: float) -> None:
        self._kept_s = now_s
        self._detector.save(self._file, {"kept_s": now_s, "episodes": self._episodes.snapshot()})
