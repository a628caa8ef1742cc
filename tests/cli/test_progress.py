import sys

import pytest

from dwcp.cli import progress as module
from dwcp.cli.progress import progress, titled_progress
from dwcp.cli.session import Session


@pytest.fixture
def clock(monkeypatch):
    times = iter(range(0, 1000, 2))
    monkeypatch.setattr(module._Lines.__init__, "__defaults__", (lambda: float(next(times)),))


def test_lines_come_step_by_step_where_there_is_no_terminal(clock, capsys):
    with progress(Session(), "work") as show:
        for share in (0.0, 0.05, 0.11, 0.15, 0.5, 1.0, 1.0):
            show(share, "on it")
    assert capsys.readouterr() == ("", "work: 11% on it\nwork: 50% on it\nwork: 100% on it\n")


def test_short_work_says_nothing(capsys):
    with progress(Session(), "work") as show:
        for share in (0.0, 0.5, 1.0):
            show(share, "")
    assert capsys.readouterr() == ("", "")


def test_quiet_says_nothing(clock, capsys):
    session = Session()
    session.quiet = True
    with progress(session, "work") as show:
        for share in (0.0, 0.5, 1.0):
            show(share, "")
    assert capsys.readouterr() == ("", "")


def test_bars_on_a_terminal(monkeypatch, capsys):
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True)
    monkeypatch.setenv("FORCE_COLOR", "1")
    monkeypatch.setenv("COLUMNS", "100")
    with titled_progress(Session()) as show:
        show("first", 0.5, "half [way]")
        show("second", 0.25, "")
        show("first", 1.0, "done")
    said = capsys.readouterr()
    assert said.out == ""
    assert "first" in said.err
    assert "second" in said.err
    assert "100%" in said.err
