"""Levels: refused where a codec is made, not where it is first used."""

from dwcp.errors import InputError

__all__ = ["check_level"]


def check_level(codec: str, level: int, levels: range) -> None:
    """Hold a level against those a codec has.

    Raises:
        InputError: it has no such level.
    """
    if level not in levels:
        raise InputError(f"{codec} has levels {levels[0]} to {levels[-1]}, not {level}")
