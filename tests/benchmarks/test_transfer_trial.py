"""One transfer, from here to here: timed, weighed, compared, and every failure told."""

import sys
from dataclasses import replace
from pathlib import Path
from shlex import quote

import pytest
from benchmarks.transfer import trees
from benchmarks.transfer.peers import Ends, Peer
from benchmarks.transfer.trial import run_trial

from dwcp.simulate.shaped_link import ShapedLink

TAKE = """
import shutil, socket, sys
with socket.create_server((sys.argv[1], int(sys.argv[2]))) as server:
    connection, _ = server.accept()
    with connection, connection.makefile("rb") as arriving:
        shutil.copyfileobj(arriving, sys.stdout.buffer)
"""
GIVE = """
import shutil, socket, sys
with socket.create_connection((sys.argv[1], int(sys.argv[2]))) as connection:
    with connection.makefile("wb") as leaving:
        shutil.copyfileobj(sys.stdin.buffer, leaving)
"""
python = f"{sys.executable} -c {{}} {{{{address}}}} {{{{port}}}}".format
PLAIN = Peer(
    "plain",
    receive=f"{python(quote(TAKE))} | tar -C {{destination}} -xf -",
    send=f"tar -C {{parent}} -cf - data | {python(quote(GIVE))}",
    ends=Ends.BOTH,
    programs=("tar",),
)


@pytest.fixture
def job(corpus: Path, tmp_path: Path) -> trees.Job:
    return trees.second_version(corpus, tmp_path / "source", 1.0)


def test_what_arrived_is_timed_weighed_and_compared(link: ShapedLink, job: trees.Job, tmp_path: Path) -> None:
    trial = run_trial(link, PLAIN, job, tmp_path / "run", 20.0)
    assert trial.problem is None
    assert 0 < trial.wall_s < 20
    assert (trial.sent_bytes, trial.returned_bytes) == (1000, 1000)
    assert trial.sender_cpu_s > 0
    assert trial.receiver_cpu_s > 0
    assert not (tmp_path / "run").exists()


def test_other_bytes_than_were_sent_are_told(link: ShapedLink, job: trees.Job, tmp_path: Path) -> None:
    spoiled = replace(PLAIN, unpack="printf x > {destination}/data/text.txt")
    trial = run_trial(link, spoiled, job, tmp_path / "run", 20.0)
    assert trial.problem == "text.txt is file of 1 bytes, not file of 93000 bytes"


def test_what_lay_there_before_is_prepared(link: ShapedLink, job: trees.Job, tmp_path: Path) -> None:
    told = replace(
        PLAIN, prepare="echo one > {work}/told", prepare_old="echo $TWO >> {work}/told", result="told"
    )
    told = replace(told, unpack="cp {work}/told {destination}/told", environment=(("TWO", "{port}"),))
    trial = run_trial(link, told, job, tmp_path / "run", 20.0)
    assert "names are on one side only" in str(trial.problem)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"send": "echo broken >&2; exit 4"}, "ends with 4: broken"),
        ({"receive": "echo deaf; exit 5"}, "ended: deaf"),
        ({"prepare": "echo not ready >&2; false"}, "ends with 1: not ready"),
        ({"unpack": "exit 6"}, "ends with 6"),
        ({"send": "sleep 60"}, "stopped after 0.3 s"),
    ],
)
def test_every_failure_is_told(
    link: ShapedLink, job: trees.Job, tmp_path: Path, change: dict[str, str], words: str
) -> None:
    peer = replace(PLAIN, ends=Ends.SENDER, **change)
    trial = run_trial(link, peer, job, tmp_path / "run", 0.3 if change.get("send") == "sleep 60" else 20.0)
    assert words in str(trial.problem)
    assert not (tmp_path / "run").exists()
