"""A link with a delay: its relay is compiled on the fly, and really delays."""

import subprocess
import sys
from pathlib import Path

import pytest
from benchmarks.transfer import relay
from benchmarks.transfer.relay import compiled, relayed_link

from dwcp.errors import InputError
from dwcp.simulate import shaped_link
from dwcp.simulate.shaped_link import LinkShape, ShapedLink

reason = relay.available()
has_compiler = pytest.mark.skipif(reason is not None, reason=reason or "")
missing = reason or shaped_link.available()
real = pytest.mark.skipif(missing is not None, reason=missing or "")

CONNECT = """
import socket, sys, time
started = time.monotonic()
try:
    socket.create_connection((sys.argv[1], 9), timeout=5)
except ConnectionRefusedError:
    print(time.monotonic() - started)
"""


def round_trip_ms(link: ShapedLink) -> float:
    """How long a refusal takes to come back."""
    words = link.near.command(sys.executable, "-c", CONNECT, link.far.address)
    return 1e3 * float(subprocess.run(words, capture_output=True, text=True, check=True).stdout)


def test_a_missing_compiler_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "")
    assert "install one" in str(relay.available())
    with pytest.raises(InputError, match="need a C compiler"):
        compiled(tmp_path)


@has_compiler
@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["too", "few"], "nine arguments are needed"),
        (["a", "b", "dwcp0", "0", "1", "0", "0.5", "1000", "1"], "do not go together"),
        (["/nowhere", "b", "dwcp0", "0", "1", "0", "0", "1000", "0"], "/nowhere: No such file"),
    ],
)
def test_the_relay_refuses_what_it_cannot_do(words: list[str], said: str, tmp_path: Path) -> None:
    done = subprocess.run([compiled(tmp_path), *words], capture_output=True, text=True, check=False)
    assert done.returncode
    assert said in done.stderr


@real
@pytest.mark.parametrize("shape", [LinkShape(10, 40), LinkShape(None, 40)])
def test_a_round_trip_takes_what_it_should(shape: LinkShape) -> None:
    with relayed_link(shape, congestion_control="reno") as link:
        times = [round_trip_ms(link) for _ in range(3)]
    assert min(times) >= 39.9
    assert min(times) < 60


@real
def test_jitter_adds_to_it() -> None:
    with relayed_link(LinkShape(None, 10, jitter_ms=30)) as link:
        times = [round_trip_ms(link) for _ in range(5)]
    assert max(times) > 15


@real
def test_a_relay_that_does_not_start_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(relay, "DEVICE", "a-name-that-is-too-long")
    with pytest.raises(InputError), relayed_link(LinkShape(None, 10)):
        pass
