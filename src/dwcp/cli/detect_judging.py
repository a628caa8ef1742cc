"""Episodes held against labels: what was found, what was missed, what was raised for nothing."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from dwcp.cli.detect_inputs import Label
from dwcp.evaluation.detection import covered, episodes, event_recall, false_episodes

__all__ = ["Judged", "judge"]

_HOUR_S = 3600.0


@dataclass(frozen=True, slots=True)
class Judged:
    """How right the alarms were.

    Attributes:
        delays_s: by label that was found, from its beginning to the alarm.
        missed: labels that raised none.
        false: episodes that began in no label.
        quiet_hours: time watched outside all labels, over all subjects.
    """

    delays_s: Mapping[str, float]
    missed: tuple[str, ...]
    false: int
    quiet_hours: float

    @property
    def false_an_hour(self) -> float | None:
        """None where no time was watched outside labels."""
        return self.false / self.quiet_hours if self.quiet_hours else None

    def lines(self) -> list[str]:
        """In words."""
        wanted = len(self.delays_s) + len(self.missed)
        said = f"labels: {len(self.delays_s)} of {wanted} found"
        if self.delays_s:
            said += f", median delay {float(np.median(list(self.delays_s.values()))):g} s"
        if self.missed:
            said += f"; missed: {', '.join(self.missed)}"
        rate = "" if self.false_an_hour is None else f", {self.false_an_hour:.2g} an hour"
        return [said, f"false episodes: {self.false}{rate}"]

    def as_json(self) -> dict[str, object]:
        """As JSON values."""
        return {
            "found": sorted(self.delays_s),
            "missed": list(self.missed),
            "delays_s": dict(self.delays_s),
            "false_episodes": self.false,
            "false_an_hour": self.false_an_hour,
        }


def judge(
    labels: Sequence[Label], alarms: Mapping[str, Sequence[tuple[float, bool]]], step_s: float
) -> Judged:
    """Hold alarms against labels, subject by subject.

    Args:
        labels: what was going on.
        alarms: of each subject, moments in order with whether an alarm stood.
        step_s: time that a moment stands for.
    """
    delays: dict[str, float] = {}
    missed: list[str] = []
    false, quiet_s = 0, 0.0
    for subject, moments in alarms.items():
        own = [label for label in labels if label.subject == subject]
        times = np.array([time_s for time_s, _ in moments])
        flags = np.array([alarm for _, alarm in moments])
        for label in (one for one in own if one.wanted):
            for delay_s in event_recall([label.span], flags, times).delays_s:
                if delay_s is None:
                    missed.append(label.id)
                else:
                    delays[label.id] = min(delay_s, delays.get(label.id, delay_s))
        excused = [label.excused for label in own]
        false += len(false_episodes(episodes(flags, times), excused))
        quiet_s += float(np.count_nonzero(~covered(excused, times))) * step_s
    unseen = tuple(dict.fromkeys(name for name in missed if name not in delays))
    return Judged(delays, unseen, false, quiet_s / _HOUR_S)
