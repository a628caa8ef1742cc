import json
import math
import os
from pathlib import Path

import pytest

from dwcp.cli.output import print_json, print_table, require_writable
from dwcp.errors import InputError, StorageError


def test_json_holds_what_json_can_hold(capsys):
    print_json({"b": math.nan, "a": [Path("x"), math.inf, 1.5, (True, None)]})
    assert json.loads(capsys.readouterr().out) == {"a": ["x", None, 1.5, [True, None]], "b": None}


def test_a_table_cuts_nothing_where_there_is_no_terminal_and_takes_brackets_as_they_are(capsys):
    long = "[bold]" + "x" * 150
    print_table(["name", "n"], [[long, "1"]], frozenset({1}))
    assert long in capsys.readouterr().out


def test_a_target_that_could_not_be_written_is_refused_first(tmp_path, monkeypatch):
    require_writable(tmp_path / "new" / "folder" / "file")
    with pytest.raises(InputError, match="is a folder"):
        require_writable(tmp_path)
    (tmp_path / "file").touch()
    with pytest.raises(InputError, match="is not a folder"):
        require_writable(tmp_path / "file" / "below")
    monkeypatch.setattr(os, "access", lambda *_: False)
    with pytest.raises(StorageError, match="may not be written"):
        require_writable(tmp_path / "other")
