"""What the package offers is loaded when it is asked for."""

import subprocess
import sys

import pytest

import dwcp.transfer


@pytest.mark.parametrize("name", dwcp.transfer.__all__)
def test_what_is_offered_is_there(name):
    assert getattr(dwcp.transfer, name).__name__ == name


def test_what_is_not_offered_is_not_there():
    with pytest.raises(AttributeError, match="no_such_thing"):
        dwcp.transfer.no_such_thing  # noqa: B018


def test_a_sender_loads_no_receiver_and_nothing_heavy():
    code = "import sys, dwcp.transfer as t; t.send; print(*sys.modules)"
    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    heavy = {"numpy", "polars", "pyarrow", "onnxruntime", "asyncio", "dwcp.transfer.receiving"}
    assert not heavy & set(loaded.split())
