import json
import os
import signal
import socket
import subprocess
import sys
from dataclasses import replace
from ipaddress import IPv4Address, IPv6Address

import pytest

from dwcp.cli.watch import command
from dwcp.cli.watch.meter import InterfaceBytes, Measured
from dwcp.cli.watch.screen import _picture
from dwcp.cli.watch.target import Target
from dwcp.errors import InputError
from dwcp.tasks.bandwidth.accuracy import Accuracy
from dwcp.tasks.bandwidth.contract import Step
from dwcp.tasks.bandwidth.drift import Drift
from dwcp.tasks.bandwidth.predictor import BandwidthPredictor


@pytest.fixture(autouse=True)
def _quick(monkeypatch, tmp_path):
    monkeypatch.setattr(command, "_EVERY_S", 0.02)
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))


@pytest.fixture
def interface(monkeypatch):
    """No connection, and an interface that carries a megabyte between two looks."""
    carried = iter(range(0, 10**12, 10**6))
    monkeypatch.setattr(Target, "connections", lambda _: [])
    monkeypatch.setattr(Target, "interface", lambda _: InterfaceBytes("eth7", next(carried), 0))


def test_seconds_are_lines_and_the_end_says_how_right_forecasts_were(run, interface):
    done = run("watch", "link", "localhost", "--count", 5)
    assert done.status == 0
    *lines, last = done.out.splitlines()
    assert len(lines) == 5
    assert all(line.startswith("eth7, ") and " Mbit/s, next " in line for line in lines)
    assert "so far" in last
    assert "localhost: once a second, by rules alone" in done.err


def test_json_is_one_line_a_second(run, interface):
    done = run("watch", "link", "localhost", "--count", 3, "--json")
    lines = [json.loads(line) for line in done.out.splitlines()]
    assert len(lines) == 3
    assert {line["source"] for line in lines} == {"eth7"}
    assert lines[0]["measured"]["throughput_mbps"] > 0
    told = lines[-1]["forecast"]["next_step"]
    assert told["low"] <= told["mid"] <= told["high"]


def test_connections_are_measured_where_there_are_any(run):
    with socket.create_server(("127.0.0.1", 0)) as server:
        address = server.getsockname()
        with socket.create_connection(address) as client:
            client.sendall(bytes(1000))
            done = run("watch", "link", f"127.0.0.1:{address[1]}", "--count", 2, "--json")
    lines = [json.loads(line) for line in done.out.splitlines()]
    assert [(line["source"], line["connections"]) for line in lines] == [("tcp", 1)] * 2
    assert lines[0]["measured"]["rtt_ms"] > 0
    assert lines[0]["measured"]["app_limited"]


def test_what_was_learned_is_kept_for_the_next_time(run, interface, home, tmp_path):
    run("watch", "link", "localhost", "--count", 4)
    kept = tmp_path / "state" / "dwcp" / "forecasts.json"
    assert "localhost by eth7" in json.loads(kept.read_text())["paths"]
    done = run("watch", "link", "localhost", "--count", 1, "--json")
    assert json.loads(done.out)["forecast"]["steps"] > 1
    home.mkdir()
    (home / "forecasts.json").write_text("{")
    done = run("watch", "link", "localhost", "--count", 1)
    assert done.status == 0
    assert "nothing is known from before" in done.err
    assert json.loads((home / "forecasts.json").read_text())["format"] == 2


def test_ctrl_c_ends_it_in_good_order(run, interface, monkeypatch, tmp_path):
    looks = iter(range(100))

    def pressed(_seconds):
        if next(looks) == 3:
            raise KeyboardInterrupt

    monkeypatch.setattr(command.time, "sleep", pressed)
    done = run("watch", "link", "localhost")
    assert done.status == 130
    assert done.err.splitlines()[-1] == "dwcp: interrupted"
    assert len(done.out.splitlines()) == 4
    assert "so far" in done.out.splitlines()[-1]
    assert (tmp_path / "state" / "dwcp" / "forecasts.json").exists()


def test_ctrl_c_in_a_process_of_its_own(tmp_path):
    environment = {**os.environ, "XDG_STATE_HOME": str(tmp_path)}
    words = [sys.executable, "-m", "dwcp.cli.app", "watch", "link", "127.0.0.1", "--json"]
    with subprocess.Popen(
        words, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=environment, cwd=tmp_path, text=True
    ) as running:
        assert running.stdout is not None
        assert json.loads(running.stdout.readline())["source"]
        running.send_signal(signal.SIGINT)
        _, complained = running.communicate(timeout=20)
    assert running.returncode == 130
    assert complained.splitlines()[-1] == "dwcp: interrupted"


def test_killed_at_any_moment_it_goes_on_from_what_it_kept(run, tmp_path):
    """Two processes, one after the other, that keep what they learn at once."""
    keeper = (
        "from dwcp.cli.watch import command; command._EVERY_S, command._KEPT_EVERY_S = 0.02, 0.0\n"
        "from dwcp.cli.app import main; main(['watch', 'link', '127.0.0.1', '--json'])"
    )
    environment = {**os.environ, "XDG_STATE_HOME": str(tmp_path / "state")}
    kept = tmp_path / "state" / "dwcp" / "forecasts.json"
    for lines in (5, 9):
        with subprocess.Popen(
            [sys.executable, "-c", keeper], stdout=subprocess.PIPE, env=environment, cwd=tmp_path, text=True
        ) as running:
            seen = [json.loads(running.stdout.readline()) for _ in range(lines)]
            running.kill()
        predictor = BandwidthPredictor(step_s=0.02)
        predictor.load(kept)
    assert seen[0]["forecast"]["steps"] > 4
    kept.write_bytes(kept.read_bytes()[:-40])
    done = run("watch", "link", "127.0.0.1", "--count", 1)
    assert done.status == 0
    [said] = [line for line in done.err.splitlines() if "nothing is known from before" in line]
    assert said.endswith("holds no saved predictor; remove it to begin anew")
    predictor.load(kept)


def test_what_is_odd_about_a_link_is_told_in_lines_json_and_picture(capsys):
    from rich.console import Console

    from dwcp.cli.watch.screen import Seen, _picture, screen

    drift = Drift("p", "misses", 3.0, 0.1, 0.62)
    forecast = replace(BandwidthPredictor().predict([90.0, 0.0], now=5.0), retraining=drift)
    seen = Seen(5.0, Measured(Step(0.0), "tcp", 1, 0.0, 0.0), forecast, Accuracy(0))
    wanted = "retraining is wanted: the share of misses has risen from 0.1 to 0.62"
    for json_wanted in (False, True):
        with screen("host", json=json_wanted) as show:
            show(seen)
    line, text = capsys.readouterr().out.splitlines()
    assert "unsure: the link has stopped" in line
    assert wanted in line
    told = json.loads(text)["forecast"]
    assert told["notes"][0] == "stalled"
    assert told["retraining"] == {"path": "p", "sign": "misses", "at_s": 3.0, "before": 0.1, "after": 0.62}
    with open(os.devnull, "w") as nowhere:  # noqa: PTH123
        console = Console(width=120, record=True, file=nowhere)
        console.print(_picture("host", seen))
    assert wanted in console.export_text()


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["nobody.invalid"], "there is no host 'nobody.invalid'"),
        (["localhost:http"], "write HOST or HOST:PORT"),
        (["localhost:0"], "write HOST or HOST:PORT"),
        ([":80"], "write HOST or HOST:PORT"),
        (["localhost", "--mode", "moon"], "no mode 'moon'"),
        (["localhost", "--count", "0"], "--count"),
    ],
)
def test_what_cannot_be_watched_is_one_sentence(words, said, run):
    done = run("watch", "link", *words)
    assert said in done.sentence
    assert done.status == 2


@pytest.mark.parametrize(
    ("text", "address", "port"),
    [
        ("127.0.0.1", IPv4Address("127.0.0.1"), None),
        ("127.0.0.1:80", IPv4Address("127.0.0.1"), 80),
        ("::1", IPv6Address("::1"), None),
        ("[::1]", IPv6Address("::1"), None),
        ("[::1]:80", IPv6Address("::1"), 80),
    ],
)
def test_hosts_and_ports(text, address, port):
    assert Target.parse(text) == Target(text, (address,), port)


def test_the_interface_is_read_from_the_kernel():
    found = Target.parse("127.0.0.1").interface()
    assert found.name == "lo"
    assert found.received >= 0


def test_an_interface_without_counters_is_said(monkeypatch, tmp_path):
    monkeypatch.setattr("dwcp.cli.watch.target._INTERFACES", tmp_path)
    with pytest.raises(InputError, match="counters of lo cannot be read"):
        Target.parse("127.0.0.1").interface()


def test_the_picture_of_a_terminal():
    from rich.console import Console

    from dwcp.cli.watch.screen import Seen

    predictor = BandwidthPredictor(clock=lambda: 0.0)
    measured = Measured(Step(91.0, 40.0, 2.0, app_limited=True), "tcp", 2, 91.0, 0.0)
    forecast = predictor.predict([90.0, 91.0, float("nan")])
    console = Console(width=100, record=True, file=open(os.devnull, "w"))  # noqa: PTH123, SIM115
    console.print(_picture("host:1", Seen(0.0, measured, forecast, Accuracy(3, 0.5, 1, 1, 0, 0.9, 1))))
    console.file.close()
    said = console.export_text()
    assert "host:1: 2 connections, 91 Mbit/s (little to send), round trip 40 ms, jitter 2 ms" in said
    assert "mean of the next 5" in said
    assert "3 forecasts so far, 50% within 20 %" in said
    assert "wider than usual: the latest steps were not measured" in said
