"""Where the program begins."""

import subprocess
import sys

from dwcp.cli.failures import Status
from dwcp.cli.start import _INTERRUPTED, main

LOADING = """
import builtins, sys
real = builtins.__import__
def interrupted(name, *rest):
    if name == "dwcp.cli.app":
        raise KeyboardInterrupt
    return real(name, *rest)
builtins.__import__ = interrupted
from dwcp.cli.start import main
sys.exit(main())
"""


def test_an_interrupt_while_loading_is_a_word_and_a_status():
    done = subprocess.run([sys.executable, "-c", LOADING], capture_output=True, text=True, timeout=60)
    assert (done.returncode, done.stderr) == (Status.INTERRUPTED, "dwcp: interrupted\n")
    assert _INTERRUPTED == Status.INTERRUPTED


def test_the_status_of_the_command_is_given(monkeypatch, capsys):
    monkeypatch.setattr(sys, "argv", ["dwcp", "--version"])
    assert main() == 0
    assert capsys.readouterr().out.startswith("dwcp ")
