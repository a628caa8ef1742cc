import json
import threading
from collections.abc import Iterator
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from dwcp.cli.detecting import Detector
from dwcp.cli.watch.alarms import Teller
from dwcp.cli.watch.members import Presence
from dwcp.cli.watch.webhook import Webhook
from dwcp.errors import InputError
from dwcp.telemetry.sources import etcd as etcd_source
from dwcp.telemetry.sources import prometheus as prometheus_source
from dwcp.telemetry.sources.etcd import Assembler, ClientSecond, Second
from dwcp.telemetry.sources.prometheus import FleetStep, NodeState, NodeStep, Outage

START = 1_800_000_000.0
NODES = ("web1:9100", "web2:9100", "web3:9100")
URL = "http://127.0.0.1:9090"
ENDPOINTS = "10.0.0.1,10.0.0.2,10.0.0.3"


@pytest.fixture(autouse=True)
def _own_state(monkeypatch, tmp_path):
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))


class Posted:
    """What a webhook's receiver got; answers with the statuses given, the last one for ever."""

    def __init__(self, *statuses: int) -> None:
        self.statuses = list(statuses)
        self.bodies: list[dict] = []

    @property
    def status(self) -> int:
        return self.statuses.pop(0) if len(self.statuses) > 1 else self.statuses[0]


@pytest.fixture
def receiver() -> Iterator[Posted]:
    posted = Posted(200)

    class Served(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            posted.bodies.append(json.loads(body))
            self.send_response(posted.status)
            self.end_headers()

        def log_message(self, *_: object) -> None: ...

    server = ThreadingHTTPServer(("127.0.0.1", 0), Served)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    posted.url = f"http://127.0.0.1:{server.server_port}/alarms?to=ops"
    yield posted
    server.shutdown()
    thread.join()
    server.server_close()


def step(place: int, when: str = "now", **losses: float) -> FleetStep:
    values = {"cpu_usage": 0.3, "memory_usage": 0.5, "packet_loss": 0.001}
    steps = tuple(
        NodeStep(node, NodeState.UP, {**values, "packet_loss": losses.get(node[:4], 0.001)}) for node in NODES
    )
    return FleetStep(START + 15 * place, steps, when)


def away(place: int, since: int) -> FleetStep:
    return FleetStep(START + 15 * place, (), "now", Outage(START + 15 * since, "connection refused"))


@pytest.fixture
def prometheus(monkeypatch):
    """Gives the steps it is told to give; the rest of the source is as it is."""

    def set_up(*steps: FleetStep) -> None:
        monkeypatch.setattr(
            prometheus_source.PrometheusSource, "__iter__", lambda _: (one for one in steps), raising=True
        )

    return set_up


def events(done) -> list[dict]:
    return [json.loads(line) for line in done.out.splitlines()]


def watch_nodes(run, *words):
    return run("watch", "nodes", "--prometheus", URL, *words)


def test_quiet_nodes_end_with_0_and_a_failing_one_is_told_from_begin_to_end(run, prometheus):
    prometheus(step(0, "before"), *(step(place) for place in range(1, 4)))
    done = watch_nodes(run, "--count", 3)
    assert (done.status, done.out) == (0, "3 steps, 0 alarms\n")
    assert "http://127.0.0.1:9090: job node, every 15 s, by rules alone: " in done.err
    prometheus(*(step(place, web2=0.1 if 2 <= place < 8 else 0.001) for place in range(10)))
    done = watch_nodes(run, "--count", 10)
    assert done.status == 3
    first, still, last, end = done.out.splitlines()
    assert first == (
        "2027-01-15T08:00:30Z begin web2:9100: since 2027-01-15T08:00:30Z:"
        " packet_loss 0.1 (peers 0.001), 5 times the limit"
    )
    assert still.startswith("2027-01-15T08:01:30Z still web2:9100: since 2027-01-15T08:00:30Z, 60 s: ")
    assert last.startswith("2027-01-15T08:02:00Z end web2:9100: since 2027-01-15T08:00:30Z, 90 s")
    assert end == "10 steps, 1 alarm"


def test_json_and_the_webhook_get_the_same_events(run, prometheus, receiver):
    prometheus(*(step(place, web2=0.1 if place >= 2 else 0.001) for place in range(9)))
    done = watch_nodes(run, "--exit-on-alarm", "--json", "--webhook", receiver.url)
    assert done.status == 3
    begin, end = events(done)
    assert receiver.bodies == [begin]
    assert (begin["event"], begin["subject"], begin["reasons"][0]["value"]) == ("begin", "web2:9100", 0.1)
    assert end == {"event": "done", "steps": 3, "missed": 0, "alarms": 1, "standing": ["web2:9100"]}


def test_an_alarm_that_stood_still_stands_after_a_restart(run, prometheus, home):
    home.mkdir()
    prometheus(*(step(place, web2=0.1) for place in range(3)))
    assert watch_nodes(run, "--count", 3).status == 3
    [kept] = (home / "detectors").iterdir()
    assert watch_nodes(run, "--exit-on-alarm", "--json").out.count("\n") == 1
    prometheus(*(step(place, web2=0.1 if place < 6 else 0.001) for place in range(4, 9)))
    done = watch_nodes(run, "--count", 5, "--json")
    told = [(one["event"], one.get("since_s")) for one in events(done)]
    assert told == [("still", START), ("end", START), ("done", None)]
    assert done.status == 3
    kept.write_text(kept.read_text()[:-9])
    done = watch_nodes(run, "--count", 1)
    assert (done.status, "nothing is known from before" in done.err) == (3, True)


def test_a_server_that_goes_away_is_told_once_and_so_is_its_return(run, prometheus):
    prometheus(step(0), away(1, 1), away(2, 1), step(1, "late"), step(3))
    done = watch_nodes(run, "--count", 4)
    assert done.status == 0
    assert done.out.splitlines() == [
        "2027-01-15T08:00:15Z away: no word from Prometheus: connection refused; asked again every 15 s",
        "2027-01-15T08:00:45Z back: Prometheus tells again, after 30 s",
        "3 steps, 0 alarms, 2 steps without an answer",
    ]
    prometheus(away(0, 0))
    done = watch_nodes(run, "--count", 1)
    assert "told nothing (connection refused)" in done.sentence
    assert done.status == 1


def test_steps_that_are_missing_are_gaps_and_those_fetched_late_are_none(prometheus, run, monkeypatch):
    seen = []
    judge = Detector.judge
    monkeypatch.setattr(
        Detector, "judge", lambda self, context, of: seen.append(context) or judge(self, context, of)
    )
    prometheus(step(0), away(1, 1), away(2, 1), away(3, 1), step(2, "late"), step(4))
    watch_nodes(run, "--count", 5)
    assert [one.cpu_usage for one in seen[-1].steps] == [0.3, None, 0.3, None, 0.3]
    assert [one.cpu_usage for one in seen[-1].peers] == [0.3, None, 0.3, None, 0.3]


def test_a_node_that_cannot_be_scraped_is_an_alarm_and_one_that_is_forgotten_ends_it(run, prometheus):
    steps = [step(place) for place in range(4)]
    steps[1] = replace(steps[1], nodes=(*steps[1].nodes[:2], NodeStep(NODES[2], NodeState.DOWN)))
    steps[2] = replace(steps[2], nodes=steps[2].nodes[:2])
    prometheus(*steps)
    begin, end, _ = events(watch_nodes(run, "--count", 3, "--json"))
    assert begin["reasons"] == [{"feature": "state", "value": None, "words": "Prometheus cannot scrape it"}]
    assert (end["event"], end["subject"], end["at_s"]) == ("end", NODES[2], START + 30)


def test_what_cannot_be_watched_is_one_sentence(run, tmp_path):
    assert "is no URL of a server" in run("watch", "nodes", "--prometheus", "ftp://x").sentence
    assert watch_nodes(run, "--job", 'a"').status == 2
    assert "cannot be read" in watch_nodes(run, "--queries", tmp_path / "none.toml").sentence
    assert "is no URL of a server" in watch_nodes(run, "--webhook", "::").sentence
    done = run("watch", "nodes", "--prometheus", "http://127.0.0.1:1")
    assert ("does not answer" in done.sentence, done.status) == (True, 1)


def test_a_picture_shows_every_node(prometheus, run, monkeypatch):
    shown = []
    prometheus(step(0, web2=0.1))
    monkeypatch.setattr(
        "dwcp.cli.watch.alarms.Teller.picture",
        lambda _, title, header, rows: shown.append((title, header, rows)),
    )
    watch_nodes(run, "--count", 1)
    [(title, header, rows)] = shown
    assert title == "http://127.0.0.1:9090: 3 nodes, 1 failing"
    assert [row[:2] for row in rows] == [(NODES[0], "up"), (NODES[1], "ALARM"), (NODES[2], "up")]
    assert all(len(row) == len(header) for row in rows)


def test_on_a_terminal_events_stand_above_the_picture():
    from io import StringIO

    from rich.console import Console
    from rich.live import Live

    console = Console(file=StringIO(), force_terminal=True, width=100)
    with Live("reading", console=console, auto_refresh=False) as live:
        teller = Teller(json=False, live=live)
        teller.complaints(START, ("cpu_usage: [odd] words",))
        teller.complaints(START, ("cpu_usage: [odd] words",))
        teller.picture("two nodes", ("node", "state", "score"), [("a", "up", "0.1"), ("b", "ALARM", "0.9")])
    said = console.file.getvalue()
    assert said.count("complaint: cpu_usage: [odd] words") == 1
    assert said.rindex("ALARM") > said.index("two nodes") > said.index("[odd]")


def second(place: int, up: int = 3) -> Second:
    cluster, members = Assembler((1, 2, 3)).assemble(int(START) + place, {}, ClientSecond(issued=5, ok=5))
    told = tuple(replace(one, scrape_ok=int(one.node <= up), has_leader=1.0) for one in members)
    return Second(replace(cluster, leader=1, active_nodes=up, nodes_up=up), told)


@pytest.fixture
def cluster(monkeypatch):
    """Gives the seconds it is told to give."""

    def set_up(*seconds: Second) -> None:
        monkeypatch.setattr(etcd_source.EtcdSource, "__iter__", lambda _: (one for one in seconds))

    return set_up


def watch_etcd(run, *words):
    return run("watch", "etcd", "--endpoints", ENDPOINTS, *words)


def test_a_cluster_that_loses_a_member_is_told_second_by_second(run, cluster):
    cluster(*(second(place, 2 if 5 <= place < 10 else 3) for place in range(15) if place != 3))
    done = watch_etcd(run, "--count", 14, "--json")
    assert done.status == 3
    told = events(done)
    assert [one["event"] for one in told] == ["begin", "away", "back", "end", "done"]
    begin, away, back, end, whole = told
    assert (away["at_s"] - START, away["words"]) == (7, "10.0.0.3:2379 has not answered for 3 s")
    assert (back["at_s"] - START, back["words"]) == (10, "10.0.0.3:2379 answers again after 5 s")
    assert (begin["event"], begin["at_s"] - START, begin["since_s"] - START) == ("begin", 6, 5)
    assert begin["reasons"][0]["words"] == "1 of 3 members do not answer"
    assert (end["event"], whole["seconds"], whole["alarms"]) == ("end", 14, 1)
    cluster(*(second(place) for place in range(3)))
    assert watch_etcd(run, "--count", 3).status == 0


def test_a_member_that_was_started_anew_is_told_as_that():
    def silent(place, ok, anew=0):
        return [replace(one, scrape_ok=int(ok), restarted=anew) for one in second(place).members[:1]]

    presence = Presence(["a:2379"])
    rows = [silent(0, True), silent(1, True, 1), silent(2, False), silent(3, False), silent(4, True)]
    rows += [silent(place, False) for place in range(5, 95)] + [silent(95, True, 1), silent(96, True)]
    anew = "started anew: its counters began again"
    assert [list(presence.take(row)) for row in rows] == [
        *([], [("restarted", f"a:2379 was {anew}")], [], [], [], [], []),
        [("away", "a:2379 has not answered for 3 s")],
        *([] for _ in range(87)),
        [("back", f"a:2379 answers again after 90 s, and was {anew}")],
        [],
    ]


def test_access_and_probe_are_checked(run, cluster, monkeypatch, tmp_path):
    assert "there is no probe 'ping'" in watch_etcd(run, "--probe", "ping").sentence
    assert "has no password" in watch_etcd(run, "--user", "root").sentence
    assert "give --cert too" in watch_etcd(run, "--key", tmp_path / "k.pem").sentence
    assert "certificates cannot be used" in run(
        "watch", "etcd", "--endpoints", "https://a", "--cacert", tmp_path / "none.pem"
    ).sentence  # fmt: skip
    assert "endpoint once" in run("watch", "etcd", "--endpoints", ",").sentence
    monkeypatch.setenv("DWCP_ETCD_PASSWORD", "secret")
    cluster(second(0))
    assert watch_etcd(run, "--user", "root", "--probe", "none", "--count", 1).status == 0


def test_a_webhook_tries_again_and_says_what_it_gave_up(receiver):
    told: list[str] = []
    receiver.statuses = [503, 503, 200, 404, 500]
    hook = Webhook(receiver.url, told.append, pause_s=0.0)
    for number in range(3):
        hook.send({"n": number})
    hook.close()
    assert [body["n"] for body in receiver.bodies] == [0, 0, 0, 1, 2, 2, 2]
    assert [words.rpartition(": ")[2] for words in told] == ["HTTP status 404", "HTTP status 500"]
    assert "/alarms?to=ops did not take an event" in told[0]
    with pytest.raises(InputError):
        Webhook("nowhere at all", told.append)


def test_a_webhook_never_holds_anybody_up():
    told: list[str] = []
    hook = Webhook("http://127.0.0.1:1/x", told.append, tries=2, pause_s=1e6)
    for number in range(1200):
        hook.send({"n": number})
    assert any("others wait already" in words for words in told)
    hook.close(within_s=0.2)
    assert any("were not sent" in words for words in told) or any("refused" in words for words in told)


def test_what_a_detector_kept_is_of_one_task_alone(tmp_path):
    from dwcp.cli.session import Session
    from dwcp.tasks.consensus.task import TASK as CONSENSUS
    from dwcp.tasks.reliability.task import TASK as RELIABILITY

    session = Session()
    session.home_flag = tmp_path
    one, other = Detector(session, None, CONSENSUS), Detector(session, None, RELIABILITY)
    one.save(tmp_path / "kept.json", {"more": 1})
    assert one.load(tmp_path / "kept.json")["more"] == 1
    assert one.load(tmp_path / "none.json") == {}
    with pytest.raises(InputError, match="by another detector"):
        other.load(tmp_path / "kept.json")
    (tmp_path / "kept.json").write_text("[]")
    with pytest.raises(InputError, match="holds no detector"):
        one.load(tmp_path / "kept.json")
    one.close()
    other.close()
