"""Arms and metrics as they are written on the command line."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from dwcp.errors import InputError

if TYPE_CHECKING:
    from dwcp.safety.experiments import Arm, Metric

__all__ = ["arms_of", "guardrails_of", "metric_of"]

_DIRECTIONS = {"lower": False, "higher": True}
_KINDS = ("mean", "proportion")


def arms_of(given: Sequence[str]) -> "tuple[Arm, ...]":
    """``NAME`` or ``NAME=WEIGHT``, the first is control.

    Raises:
        InputError: a weight is no number.
    """
    from dwcp.safety.experiments import Arm

    return tuple(
        Arm(name, _number(weight, f"the weight in --arm {text}") if separator else 1.0)
        for text in given
        for name, separator, weight in [text.partition("=")]
    )


def metric_of(given: str) -> "Metric":
    """``NAME``, ``NAME:higher`` or ``NAME:proportion:higher``; a mean, and lower is better, unless said.

    Raises:
        InputError: a word is neither a kind nor a direction.
    """
    name, *words = given.split(":")
    return _metric(name, words, None, f"--metric {given}")


def guardrails_of(given: Sequence[str]) -> "tuple[Metric, ...]":
    """``NAME:MARGIN``, and the words of a metric after it.

    Raises:
        InputError: there is no margin, or a word is neither a kind nor a direction.
    """
    found = []
    for text in given:
        name, *words = text.split(":")
        if not words:
            raise InputError(f"--guardrail {text} has no margin; write {text}:MARGIN")
        margin = _number(words[0], f"the margin in --guardrail {text}")
        found.append(_metric(name, words[1:], margin, f"--guardrail {text}"))
    return tuple(found)


def _metric(name: str, words: Sequence[str], margin: float | None, where: str) -> "Metric":
    from dwcp.safety.experiments import Metric, MetricKind

    kind, higher = MetricKind.MEAN, False
    for word in words:
        if word in _KINDS:
            kind = MetricKind(word)
        elif word in _DIRECTIONS:
            higher = _DIRECTIONS[word]
        else:
            known = ", ".join((*_KINDS, *_DIRECTIONS))
            raise InputError(f"{where}: {word!r} says nothing of a metric; there are {known}")
    return Metric(name, kind, higher, margin)


def _number(text: str, what: str) -> float:
    try:
        return float(text)
    except ValueError as error:
        raise InputError(f"{what} is {text!r}, which is no number") from error
