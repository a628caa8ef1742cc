import json
import math
import shutil
import socket
import subprocess
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from itertools import islice
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest

from dwcp.errors import ConnectionLostError, InputError, SchemaError
from dwcp.telemetry.schema import kind_named
from dwcp.telemetry.sources.prometheus import (
    NODE_EXPORTER,
    NODE_METRICS,
    FleetStep,
    NodeQueries,
    NodeState,
    PrometheusSource,
    fleet_step,
    parse_address,
    parse_rows,
    read_queries,
    refusal,
)

RECORDED = json.loads(Path(__file__).with_name("prometheus_answers.json").read_text())
START = 1_800_000_000.0


def recorded(name: str) -> bytes:
    """An answer of Prometheus 2.42."""
    return json.dumps(RECORDED[name]).encode()


class Fake:
    """A Prometheus that is none: `value` tells what a query gives for each node at a time, if anything."""

    def __init__(self) -> None:
        self.nodes = ["a:9100", "b:9100", "c:9100"]
        self.asked: list[tuple[str, dict[str, str]]] = []
        self.broken = ""
        self.refused: dict[str, int] = {}
        self.unknown_from_s = math.inf
        self.names = {text: name for name, text in NodeQueries().filled("node", 15.0).items()}

    def value(self, name: str, time_s: float) -> float | None:
        if time_s >= self.unknown_from_s:
            return None
        fixed = {"up": 1.0, "age_s": 3.0, "cpu_usage": 0.25, "memory_usage": 0.5}
        return fixed.get(name)

    def answer(self, path: str) -> tuple[int, bytes]:
        parts = urlsplit(path)
        words = {name: texts[0] for name, texts in parse_qs(parts.query).items()}
        self.asked.append((parts.path, words))
        name = self.names.get(words["query"], words["query"])
        if name in self.refused:
            return self.refused[name], recorded("bad_query")
        if name.startswith("count by (job)"):
            series = [{"metric": {"job": job}, "value": [START, "1"]} for job in ("app", "prometheus")]
            return 200, self.body("vector", series)
        if "time" in words:
            found = self.series(name, [float(words["time"])])
            return 200, self.body("vector", [one | {"value": one.pop("values")[0]} for one in found])
        first, last = float(words["start"]), float(words["end"])
        times = [first + 15.0 * step for step in range(round((last - first) / 15.0) + 1)]
        return 200, self.body("matrix", self.series(name, times))

    def series(self, name: str, times: list[float]) -> list[dict]:
        found = []
        for node in self.nodes:
            told = [(time_s, self.value(name, time_s)) for time_s in times]
            if points := [[time_s, str(value)] for time_s, value in told if value is not None]:
                found.append({"metric": {"instance": node}, "values": points})
        return found

    @staticmethod
    def body(kind: str, series: list[dict]) -> bytes:
        return json.dumps({"status": "success", "data": {"resultType": kind, "result": series}}).encode()


@pytest.fixture
def fake() -> Iterator[Fake]:
    """Served on a port of its own; while `broken` is set, connections are cut."""
    told = Fake()

    class Served(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            if told.broken:
                self.close_connection = True
                return
            status, body = told.answer(self.path)
            self.send_response(status)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None: ...

    server = ThreadingHTTPServer(("127.0.0.1", 0), Served)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    told.url = f"http://127.0.0.1:{server.server_port}"
    yield told
    server.shutdown()
    thread.join()
    server.server_close()


class Clock:
    """Time goes on by sleeping alone."""

    def __init__(self) -> None:
        self.now = START + 4.0

    def __call__(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.now += seconds


def source(fake: Fake, **more: object) -> PrometheusSource:
    clock = Clock()
    return PrometheusSource(fake.url, clock=clock, sleep=clock.sleep, **more)


def taken(fake: Fake, count: int) -> list[FleetStep]:
    steps = iter(source(fake))
    found = list(islice(steps, count))
    steps.close()
    return found


def test_the_base_metrics_are_those_of_the_schema_and_all_have_a_place_in_the_table() -> None:
    assert set(NODE_METRICS) <= set(kind_named("node").required)
    assert tuple(NODE_EXPORTER) == NODE_METRICS


def test_recorded_answers_are_read_by_node_and_time() -> None:
    [(node, points)] = parse_rows(recorded("memory_usage"), "instance").items()
    assert node == "127.0.0.1:39101"
    assert 0 < next(iter(points.values())) < 1
    ranged = parse_rows(recorded("cpu_usage_range"), "instance")[node]
    assert len(ranged) >= 2
    assert all(time_s % 1 == 0 for time_s in ranged)
    assert all(0 <= value <= 1 for value in ranged.values())
    assert "parse error" in refusal(recorded("bad_query"))
    assert refusal(b"<html>") == ""


@pytest.mark.parametrize(
    ("body", "said"),
    [
        (b"<html>", "no Prometheus"),
        (b"[]", "no Prometheus"),
        (b'{"data": {"resultType": "scalar", "result": [1, "2"]}}', "gives a scalar"),
        (Fake.body("vector", [{"metric": {"job": "x"}, "value": [1, "2"]}]), "has no label 'instance'"),
        (Fake.body("vector", [{"metric": {"instance": "x"}, "value": [1, "2"]}] * 2), "several series of x"),
        (Fake.body("vector", [{"metric": {"instance": "x"}, "value": [1, "two"]}]), "no Prometheus"),
    ],
)
def test_an_answer_that_cannot_be_used_says_why(body: bytes, said: str) -> None:
    with pytest.raises(SchemaError, match=said):
        parse_rows(body, "instance")


def test_what_is_not_finite_is_not_there() -> None:
    points = [[1.0, "NaN"], [2.0, "+Inf"], [3.0, "0.5"]]
    body = Fake.body("matrix", [{"metric": {"instance": "x"}, "values": points}])
    assert parse_rows(body, "instance") == {"x": {3.0: 0.5}}


def test_a_node_is_up_down_stale_or_gone_and_only_one_that_is_up_is_measured() -> None:
    found = {
        "up": {"a:1": {60.0: 1.0}, "b:1": {60.0: 0.0}, "c:1": {60.0: 1.0}},
        "age_s": {"a:1": {60.0: 5.0}, "c:1": {60.0: 500.0}},
        "cpu_usage": {name: {60.0: 0.5} for name in ("a:1", "b:1", "c:1", "d:1")},
        # A service of node a, at a port of its own.
        "error_rate": {"a:8080": {60.0: -0.1}, "z:8080": {60.0: 0.2}},
    }
    step = fleet_step(60.0, found, ["d:1"], stale_s=120.0)
    states = {one.node: one.state for one in step.nodes}
    assert states == dict(zip(("a:1", "b:1", "c:1", "d:1"), ("up", "down", "stale", "gone"), strict=True))
    assert [dict(one.values) for one in step.nodes] == [{"error_rate": 0.0, "cpu_usage": 0.5}, {}, {}, {}]
    assert fleet_step(75.0, found, ["d:1"], stale_s=120.0) is None


def test_steps_before_come_by_one_range_and_then_one_query_a_step(fake: Fake) -> None:
    steps = taken(fake, 32)
    assert [step.when for step in steps] == ["before"] * 29 + ["now"] * 3
    assert [step.end_s for step in steps] == [START - 29 * 15 + place * 15 for place in range(32)]
    assert all(len(step.nodes) == 3 for step in steps)
    assert steps[-1].nodes[0].values == {"cpu_usage": 0.25, "memory_usage": 0.5}
    kinds = [path.rpartition("/")[2] for path, _ in fake.asked]
    assert kinds.count("query_range") == 7
    assert kinds.count("query") == 14
    assert {words["step"] for _, words in fake.asked if "step" in words} == {"15"}


def test_a_server_that_goes_away_is_told_each_step_and_what_was_missed_is_fetched(fake: Fake) -> None:
    steps = iter(source(fake))
    list(islice(steps, 30))
    fake.broken = "yes"
    away = [next(steps), next(steps)]
    fake.broken = ""
    back = list(islice(steps, 4))
    steps.close()
    assert [step.outage.since_s for step in away] == [START + 15] * 2
    assert "ended before the answer" in away[0].outage.why
    assert [(step.end_s - START, step.when) for step in back] == [
        *((15, "late"), (30, "late"), (45, "now"), (60, "now"))
    ]
    assert all(step.outage is None for step in back)


def test_a_server_that_begins_anew_has_gaps_which_are_outages(fake: Fake) -> None:
    steps = iter(source(fake))
    list(islice(steps, 30))
    fake.unknown_from_s = START + 15
    missed = list(islice(steps, 2))
    fake.unknown_from_s = math.inf
    back = next(steps)
    steps.close()
    assert [step.outage.since_s for step in missed] == [START + 15] * 2
    assert "no sample of job 'node'" in missed[1].outage.why
    assert (back.end_s, back.outage, len(back.nodes)) == (START + 45, None, 3)


def test_a_node_that_is_gone_is_told_for_a_while_and_then_forgotten(fake: Fake) -> None:
    steps = iter(source(fake))
    list(islice(steps, 30))
    fake.nodes.remove("b:9100")
    told = list(islice(steps, 31))
    steps.close()
    assert [len(step.nodes) for step in told] == [3] * 30 + [2]
    assert told[0].nodes[1].state is NodeState.GONE


def test_a_query_that_fails_is_one_metric_and_one_complaint(fake: Fake) -> None:
    fake.refused["cpu_usage"] = 422
    read = source(fake)
    steps = iter(read)
    step = list(islice(steps, 30))[-1]
    steps.close()
    assert dict(step.nodes[0].values) == {"memory_usage": 0.5}
    [complaint] = read.complaints
    assert complaint.startswith("cpu_usage: ")


def test_at_first_what_is_wrong_is_one_sentence(fake: Fake) -> None:
    with pytest.raises(ConnectionLostError, match=r"http://127\.0\.0\.1:1 does not answer \(.*refused"):
        next(iter(PrometheusSource("127.0.0.1:1")))
    fake.refused["cpu_usage"] = 400
    with pytest.raises(InputError, match=r"refuses the query of cpu_usage: .*parse error"):
        next(iter(source(fake)))
    fake.refused.clear()
    fake.nodes.clear()
    with pytest.raises(InputError, match="knows no node of job 'node'; it has app, prometheus"):
        next(iter(source(fake)))


def test_urls_are_read_and_a_password_is_never_told() -> None:
    address = parse_address("https://me:s3%20cret@example.org/prometheus/", "http://x:1")
    assert str(address) == "https://example.org:443/prometheus"
    assert address.headers == {"Authorization": "Basic bWU6czMgY3JldA=="}
    assert "s3" not in repr(address)
    assert str(parse_address("localhost:9090", "")) == "http://localhost:9090"
    assert str(parse_address("http://h/hook?a=b", "")) == "http://h:80/hook?a=b"
    for url in ("", "ftp://x", "http://x:port", "http://", "http://x/a b", "http://u:secret@:9"):
        with pytest.raises(InputError, match="no URL of a server; give one such as http://x:1") as error:
            parse_address(url, "http://x:1")
        assert "secret" not in str(error.value)


def test_queries_of_ones_own_are_laid_over_the_table(tmp_path: Path) -> None:
    file = tmp_path / "queries.toml"
    file.write_text(
        'window_s = 120\nnode_label = "host"\n[metrics]\n'
        "error_rate = 'avg by ($node) (errors{code=~\"5..$\", $select}[$window])'\ndisk_io = ''\n"
    )
    queries = read_queries(file).filled("web", 30.0)
    assert queries["error_rate"] == 'avg by (host) (errors{code=~"5..$", job="web"}[120000ms])'
    assert "disk_io" not in queries
    assert queries["up"] == 'max by (host) (up{job="web"})'
    assert "[120000ms]" in queries["cpu_usage"]
    assert NodeQueries().window(15.0) == 60.0


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("window_s = 'long'", "window_s is 'long'"),
        ("[metrics]\nspeed = 'x'", "'speed'; a table"),
        ("colour = 1", "'colour'"),
        ("metrics = 1", "anything but a table"),
        ("[metrics]\ncpu_usage = 1", "cpu_usage is no text"),
        ("node_label = 'a b'", "node_label is 'a b'"),
        ("= 1", "is no TOML file"),
    ],
)
def test_queries_that_cannot_be_used_are_refused_by_name(text: str, said: str, tmp_path: Path) -> None:
    file = tmp_path / "queries.toml"
    file.write_text(text)
    with pytest.raises(SchemaError, match=said):
        read_queries(file)
    with pytest.raises(InputError, match="cannot be read"):
        read_queries(tmp_path / "none.toml")


@pytest.mark.parametrize("wrong", [{"every_s": 0.0}, {"every_s": math.nan}, {"job": 'a"b'}, {"job": ""}])
def test_a_source_that_cannot_be_is_refused(wrong: dict) -> None:
    with pytest.raises(InputError):
        PrometheusSource("http://localhost:9090", **wrong)


@pytest.fixture
def prometheus(tmp_path: Path) -> Iterator[str]:
    """A real one that scrapes a real node_exporter each second."""
    for program in ("prometheus", "prometheus-node-exporter"):
        if shutil.which(program) is None:
            pytest.skip(f"{program} is not installed (Debian: {program})")
    with socket.socket() as one, socket.socket() as two:
        one.bind(("127.0.0.1", 0))
        two.bind(("127.0.0.1", 0))
        exporter, server = (f"127.0.0.1:{each.getsockname()[1]}" for each in (one, two))
    job = {"job_name": "node", "static_configs": [{"targets": [exporter]}]}
    (tmp_path / "p.yml").write_text(
        json.dumps({"global": {"scrape_interval": "1s"}, "scrape_configs": [job]})
    )
    words = ["--config.file=p.yml", "--storage.tsdb.path=data", f"--web.listen-address={server}"]
    quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL, "cwd": tmp_path}
    processes = [
        subprocess.Popen(["prometheus-node-exporter", f"--web.listen-address={exporter}"], **quiet),
        subprocess.Popen(["prometheus", *words], **quiet),
    ]
    try:
        yield f"http://{server}"
    finally:
        for process in processes:
            process.kill()
            process.wait()


@pytest.mark.slow
def test_a_real_server_tells_what_its_table_says(prometheus: str) -> None:
    queries = NodeQueries(window_s=10)
    told = {name for name, query in NODE_EXPORTER.items() if query}
    deadline_s = time.monotonic() + 120
    seen: FleetStep | None = None
    while seen is None or {*seen.nodes[0].values} != told:
        assert time.monotonic() < deadline_s, seen
        read = PrometheusSource(prometheus, every_s=1.0, queries=queries)
        steps = iter(read)
        try:
            seen = next(step for step in steps if step.when == "now" and step.outage is None)
        except (ConnectionLostError, InputError):
            continue
        finally:
            steps.close()
        assert read.complaints == ()
    [node] = seen.nodes
    assert node.state is NodeState.UP
    assert all(
        0 <= node.values[name] <= 1 for name in ("cpu_usage", "memory_usage", "disk_io", "packet_loss")
    )
