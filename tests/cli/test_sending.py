"""What `send` and `sync` say while they run, and what they leave when they are interrupted."""

import pytest

from dwcp.errors import ConnectionLostError, SourceChangedError
from dwcp.transfer import Progress, Retry, SendResult

DONE = SendResult("photos", "00" * 32, 1, 0, 0, 10, 10, {}, 1.0, 1, 2, ())
LOST = "nothing was heard of the receiver for 60 s; the same command goes on later"
HALF = Progress(5_000_000, 10_000_000, 1, 8.0, 1, "lz4", 1, 1.0, None)


@pytest.fixture
def transfer(monkeypatch):
    """Stand for the transfer: `call` is given what the command gives to it."""

    def install(call):
        monkeypatch.setattr("dwcp.transfer.send", lambda *_, **given: call(**given) or DONE, raising=False)

    return install


@pytest.mark.parametrize("quiet", [False, True])
def test_a_cut_connection_is_told_of(run, transfer, quiet):
    def call(on_retry, **_):
        on_retry(Retry(ConnectionLostError(LOST), 0.5, 1, 5))
        on_retry(Retry(SourceChangedError("x changed; send it again"), 0.0, 1, 2))

    transfer(call)
    done = run(*(["--quiet"] if quiet else []), "send", "photos", "a:1")
    assert done.status == 0
    said = (
        "connection lost: nothing was heard of the receiver for 60 s; trying again in 0.5 s (1 of 5)\n"
        "x changed; trying again (1 of 2)\n"
    )
    assert done.err == ("" if quiet else said)
    assert done.out.startswith("photos is in place: 1 file written, 0 kept\n")


def test_progress_speaks_of_one_stream(transfer, run, monkeypatch):
    said = []
    monkeypatch.setattr("dwcp.cli.progress._Lines.show", lambda _self, *words: said.append(words))
    transfer(lambda progress, **_: progress(HALF))
    assert run("send", "photos", "a:1").status == 0
    assert said == [("photos", 0.5, "5 MB, 8 Mbit/s, lz4, 1 stream")]


def test_nobody_counts_what_is_not_shown(transfer, run):
    given = []
    transfer(lambda progress, **_: given.append(progress))
    assert run("--quiet", "send", "photos", "a:1").status == 0
    assert given == [None]


def test_interrupted_it_says_that_it_goes_on_and_waits_for_nothing_heavy(transfer, run, home, monkeypatch):
    (home / "registry").mkdir(parents=True)
    closed, loaded = [], []
    monkeypatch.setattr("dwcp.cli.late_advisor.LateAdvisor.close", closed.append)
    monkeypatch.setattr("dwcp.telemetry.sinks.ParquetSink", loaded.append, raising=False)
    monkeypatch.setattr("dwcp.cli.late_recorder._WORTH_S", 0.0)

    def call(environment, **_):
        environment.recorder.record("host", 1, {"node_id": "here"})
        raise KeyboardInterrupt

    transfer(call)
    done = run("send", "photos", "a:1")
    assert done.status == 130
    assert done.sentence == "interrupted; the same command goes on where it was"
    assert (closed, loaded) == ([], [])
