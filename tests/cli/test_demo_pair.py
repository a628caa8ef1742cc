import os
import signal
import sys
import time

import pytest

from dwcp.cli.demo.transfer import pair
from dwcp.cli.demo.transfer.pair import Ended, Program, carry
from dwcp.cli.demo.transfer.route import Route
from dwcp.cli.demo.transfer.tidying import held_back, tidy, undisturbed
from dwcp.errors import TransferError

HERE = Route(None, "network namespaces need root")
LISTENS = 'import json; print(json.dumps({"address": "here:1"}), flush=True); '


def python(script):
    return [sys.executable, "-I", "-S", "-c", script]


def soon():
    return time.monotonic() + 20


def test_a_program_says_its_first_line_then_how_it_ended(tmp_path):
    words = "import os, sys; print('one', flush=True); print(os.environ['EXTRA']); sys.exit('bad')"
    program = Program(python(words), {"EXTRA": "two"}, tmp_path / "log")
    assert program.first_line(soon()) == "one"
    assert program.wait(soon()) == Ended(1, "one\ntwo\n", "bad\n")
    assert program.first_line(soon()) == "one"
    program.end()


def test_a_program_that_says_nothing_has_no_first_line(tmp_path):
    assert Program(python("print('half', end='')"), {}, tmp_path / "log").first_line(soon()) == ""


def test_a_program_that_takes_too_long_is_ended_though_it_will_not(tmp_path, monkeypatch):
    monkeypatch.setattr(pair, "_PATIENCE_S", 0.2)
    stubborn = "import signal, time; signal.signal(15, signal.SIG_IGN); print(1, flush=True); time.sleep(60)"
    program = Program(python(stubborn), {}, tmp_path / "log")
    assert program.first_line(soon()) == "1"
    assert program.first_line(0.0) == "1"
    assert program.wait(0.0) is None
    program.end()
    assert program.wait(soon()).status == -signal.SIGKILL


def test_a_program_that_is_not_there_is_a_sentence(tmp_path):
    with pytest.raises(TransferError, match="/nowhere/dwcp cannot be started: No such file"):
        Program(["/nowhere/dwcp"], {}, tmp_path / "log")


@pytest.mark.parametrize(
    ("receive", "send", "words"),
    [
        ("import sys; sys.exit('dwcp: port taken')", "", "the receiver ended with status 1: port taken"),
        ("print('hello')", "", "the receiver does not say where it listens: 'hello'"),
        ("", "", "the receiver does not say where it listens: ''"),
        (LISTENS + "input()", "print('[]')", r"the sender told no JSON object but '\[\]\\n'"),
        (LISTENS + "raise SystemExit(3)", "print('{\"a\": 1}')", "the receiver ended with status 3"),
    ],
)
def test_what_goes_wrong_is_told(tmp_path, receive, send, words):
    with pytest.raises(TransferError, match=words):
        carry(HERE, python(receive), python(send), {}, tmp_path / "log", soon())


def test_both_tell_of_a_transfer(tmp_path):
    send = "import sys, json; print(json.dumps({'to': sys.argv[1]}, indent=2))"
    receive = LISTENS + "print('{\"files\": 3}')"
    told = carry(HERE, python(receive), python(send), {}, tmp_path / "log", soon())
    assert told == ({"to": "here:1"}, {"files": 3})


def test_a_sender_past_the_deadline_is_ended_and_so_is_its_receiver(tmp_path):
    started = []

    def start(*arguments):
        started.append(Program(*arguments))
        return started[-1]

    sleep = LISTENS + "import time; time.sleep(60)"
    with pytest.raises(TransferError, match="the sender took too long and was ended"):
        carry(HERE, python(sleep), python(sleep), {}, tmp_path / "log", time.monotonic() + 0.5, start)
    assert [program.wait(soon()).status for program in started] == [-signal.SIGTERM] * 2


# Leaving nothing behind.


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_any_signal_that_would_end_it_cleans_up_first(number):
    cleaned = []
    before = [signal.getsignal(each) for each in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)]

    def clean_up():
        os.kill(os.getpid(), number)
        cleaned.append(True)

    def interrupted():
        with tidy() as stack:
            stack.callback(clean_up)
            os.kill(os.getpid(), number)
            time.sleep(5)

    with pytest.raises(KeyboardInterrupt):
        interrupted()
    assert cleaned == [True]
    assert [signal.getsignal(each) for each in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)] == before


def test_what_is_started_undisturbed_is_not_interrupted_either(tmp_path):
    survives = "import os, signal; os.kill(os.getpid(), signal.SIGINT); print('survived')"
    with undisturbed():
        program = Program(python(survives), {}, tmp_path / "log")
    assert program.wait(soon()).out == "survived\n"


def test_what_is_started_while_signals_are_held_back_ends_as_usual(tmp_path):
    with held_back():
        program = Program(python("import time; print(1, flush=True); time.sleep(60)"), {}, tmp_path / "log")
    assert program.first_line(soon()) == "1"
    program.end()
    assert program.wait(soon()).status == -signal.SIGTERM


@pytest.mark.parametrize("moment", [held_back, undisturbed])
def test_an_interruption_that_is_held_back_comes_afterwards(moment):
    reached = []

    def interrupted():
        with moment():
            signal.raise_signal(signal.SIGINT)
            reached.append(True)

    with pytest.raises(KeyboardInterrupt):
        interrupted()
    assert reached == [True]


def test_a_hangup_that_is_ignored_stays_ignored():
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        with tidy():
            assert signal.getsignal(signal.SIGHUP) is signal.SIG_IGN
    finally:
        signal.signal(signal.SIGHUP, before)
