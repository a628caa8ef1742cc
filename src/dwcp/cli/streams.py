"""Standard streams that were closed when the process began."""

import os
import sys
from pathlib import Path

__all__ = ["hold_standard_streams"]


def hold_standard_streams() -> None:
    """Have those that were closed lead nowhere: a connection would take their number, and be written to."""
    for name, mode in (("stdin", "r"), ("stdout", "w"), ("stderr", "w")):
        if getattr(sys, name) is None:
            setattr(sys, name, Path(os.devnull).open(mode))  # noqa: SIM115 - for as long as the process
