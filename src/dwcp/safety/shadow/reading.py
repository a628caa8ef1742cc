"""Reading a shadow log: decisions with what came of them, and the lines that are neither."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import msgspec

from dwcp.errors import InputError
from dwcp.safety.shadow.decision import ShadowDecision, ShadowOutcome
from dwcp.safety.shadow.log import log_files

__all__ = ["BadLine", "ShadowRecords", "read_shadow_log"]

_OUTCOME = ("correct", "champion_cost", "candidate_cost", "champion_regret", "candidate_regret")
_DECISIONS, _OUTCOMES = msgspec.json.Decoder(ShadowDecision), msgspec.json.Decoder(ShadowOutcome)


@dataclass(frozen=True, slots=True)
class BadLine:
    """A line that is neither a decision nor an outcome.

    Attributes:
        file: in which.
        number: from 1.
        reason: what is wrong with it.
    """

    file: Path
    number: int
    reason: str


@dataclass(frozen=True, slots=True)
class ShadowRecords:
    """What a log holds.

    Attributes:
        files: that were read, the oldest first.
        decisions: with their outcomes, as far as they are known.
        bad: lines that could not be used.
        unmatched: outcomes of decisions that are not in the log any more, or were never logged.
    """

    files: tuple[Path, ...]
    decisions: tuple[ShadowDecision, ...]
    bad: tuple[BadLine, ...]
    unmatched: int


def read_shadow_log(file: Path) -> ShadowRecords:
    """Read a log with the parts it was rotated to; outcomes are laid to their decisions.

    Raises:
        InputError: there is no such file, it cannot be read, or none of its lines is of a shadow log.
    """
    files = tuple(log_files(file)) or (file,)
    decisions: list[ShadowDecision] = []
    place: dict[tuple[str, str], int] = {}
    bad: list[BadLine] = []
    unmatched = 0
    for line in (line for part in files for line in _lines(part)):
        if isinstance(line, BadLine):
            bad.append(line)
        elif isinstance(line, ShadowDecision):
            if line.id:
                place[line.task, line.id] = len(decisions)
            decisions.append(line)
        elif (found := place.get((line.task, line.id))) is None:
            unmatched += 1
        else:
            decisions[found] = _joined(decisions[found], line)
    if not decisions:
        why = f"; line {bad[0].number}: {bad[0].reason}" if bad else "; it is empty"
        raise InputError(f"{file} holds no decision of a shadow log{why}")
    return ShadowRecords(files, tuple(decisions), tuple(bad), unmatched)


def _lines(file: Path) -> Iterator[ShadowDecision | ShadowOutcome | BadLine]:
    try:
        with file.open("rb") as lines:
            for number, line in enumerate(lines, start=1):
                if line.strip():
                    yield _line(file, number, line)
    except OSError as error:
        raise InputError(f"{file} cannot be read: {(error.strerror or str(error)).lower()}") from error


def _line(file: Path, number: int, line: bytes) -> ShadowDecision | ShadowOutcome | BadLine:
    try:
        return _DECISIONS.decode(line)
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        try:
            return _OUTCOMES.decode(line)
        except (msgspec.MsgspecError, UnicodeDecodeError):
            return BadLine(file, number, " ".join(str(error).split()))


def _joined(decision: ShadowDecision, outcome: ShadowOutcome) -> ShadowDecision:
    told = {name: value for name in _OUTCOME if (value := getattr(outcome, name)) is not None}
    return msgspec.structs.replace(decision, **told)
