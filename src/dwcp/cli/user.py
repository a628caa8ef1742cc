"""Who sits at the keyboard, for the journal."""

import getpass
import os

__all__ = ["user_name"]


def user_name() -> str:
    """The operating system's name for the user; the number where there is no name."""
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return f"uid {os.getuid()}"
