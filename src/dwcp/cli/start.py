"""Where the program begins. Loading takes a tenth of a second, in which Ctrl-C is heard, too."""

import os

__all__ = ["main"]

_INTERRUPTED = 130


def main() -> int:
    """Load the command line and run it; gives the exit status."""
    try:
        from dwcp.cli.app import main as run
    except KeyboardInterrupt:
        os.write(2, b"dwcp: interrupted\n")
        os._exit(_INTERRUPTED)
    return run()
