"""Every panel says what it shows, and its queries give data when Prometheus scrapes a busy server."""

import json
import re
import shutil
import socket
import subprocess
import threading
import time
from collections.abc import Iterator
from itertools import count
from pathlib import Path
from typing import Any
from urllib.error import URLError
from urllib.parse import urlencode
from urllib.request import urlopen

import pytest

from dwcp.errors import ExtraMissingError
from dwcp.operations import DASHBOARDS, Dashboard, Panel
from dwcp.operations.grafana import grafana_json
from dwcp.operations.panels import RATE_INTERVAL, TASK

PANELS = [(board.uid, panel) for board in DASHBOARDS for panel in board.panels]
WAIT_S = 120.0


@pytest.mark.parametrize("board", DASHBOARDS, ids=lambda board: board.uid)
def test_every_panel_says_what_it_shows(board: Dashboard) -> None:
    titles = [(row.title, panel.title) for row in board.rows for panel in row.panels]
    assert len(set(titles)) == len(titles)
    for panel in board.panels:
        assert panel.unit
        assert panel.description.endswith(".")
        assert panel.queries
        assert all(query.legend for query in panel.queries)
        for query in panel.queries:
            if "quantile" in query.expr:
                assert re.search(rf"rate\(\w+_bucket(\{{.*\}})?\[{re.escape(RATE_INTERVAL)}\]", query.expr)
    for row in board.rows:
        assert sum(panel.span for panel in row.panels) % 24 == 0, row.title


@pytest.mark.parametrize("board", DASHBOARDS, ids=lambda board: board.uid)
def test_grafana_gets_all_of_it_each_time_the_same(board: Dashboard) -> None:
    pytest.importorskip("grafana_foundation_sdk")
    text = grafana_json(board)
    assert text == grafana_json(board)
    told = json.loads(text)
    drawn = [panel for panel in told["panels"] if panel["type"] != "row"]
    assert [(one["title"], one["fieldConfig"]["defaults"]["unit"]) for one in drawn] == [
        (panel.title, panel.unit) for panel in board.panels
    ]
    assert [[target["expr"] for target in one["targets"]] for one in drawn] == [
        [query.expr for query in panel.queries] for panel in board.panels
    ]
    assert len({panel["id"] for panel in told["panels"]}) == len(told["panels"])
    places = [(panel["gridPos"]["x"], panel["gridPos"]["y"]) for panel in told["panels"]]
    assert len(set(places)) == len(places)


def test_without_the_sdk_one_sentence_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(__import__("sys").modules, "grafana_foundation_sdk.builders", None)
    with pytest.raises(ExtraMissingError, match="pip install"):
        grafana_json(DASHBOARDS[0])


def free_port() -> int:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return one.getsockname()[1]


@pytest.fixture
def scraped(served: Any) -> Iterator[str]:
    """The address of a server that is asked for some hints before each scrape."""
    pytest.importorskip("prometheus_client")
    uvicorn = pytest.importorskip("uvicorn")
    from starlette.applications import Starlette
    from starlette.routing import Route

    from dwcp.serving.metrics.routes import routes

    [metrics], numbers = routes(served.observed), count()

    def asked(request: Any) -> Any:
        for _ in range(10):
            served.ask(next(numbers))
        return metrics.endpoint(request)

    port = free_port()
    app = Starlette(routes=[Route("/metrics", asked)])
    server = uvicorn.Server(uvicorn.Config(app, port=port, log_level="error", lifespan="off", ws="none"))
    thread = threading.Thread(target=server.run)
    thread.start()
    yield f"127.0.0.1:{port}"
    server.should_exit = True
    thread.join()


@pytest.fixture
def prometheus(scraped: str, tmp_path: Path) -> Iterator[str]:
    """The URL of a Prometheus that scrapes it every second."""
    if shutil.which("prometheus") is None:
        pytest.skip("prometheus is not installed (Debian: prometheus)")
    address = f"127.0.0.1:{free_port()}"
    job = {"job_name": "dwcp", "static_configs": [{"targets": [scraped]}]}
    settings = {"global": {"scrape_interval": "1s"}, "scrape_configs": [job]}
    (tmp_path / "p.yml").write_text(json.dumps(settings))
    words = ["--config.file=p.yml", "--storage.tsdb.path=tsdb", f"--web.listen-address={address}"]
    process = subprocess.Popen(
        ["prometheus", *words], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, cwd=tmp_path
    )
    yield f"http://{address}"
    process.kill()
    process.wait()


def answers(prometheus: str, expr: str) -> bool:
    """Whether a query gives figures that are numbers."""
    filled = expr.replace(RATE_INTERVAL, "1m").replace(TASK, ".*")
    try:
        with urlopen(f"{prometheus}/api/v1/query?{urlencode({'query': filled})}", timeout=10) as answer:
            result = json.load(answer)["data"]["result"]
    except (URLError, ConnectionError):
        return False
    return bool(result) and all(one["value"][1] != "NaN" for one in result)


def silent(prometheus: str, panels: list[tuple[str, Panel]]) -> list[str]:
    return [
        query.expr for _, panel in panels for query in panel.queries if not answers(prometheus, query.expr)
    ]


@pytest.mark.slow
def test_every_query_of_every_panel_gives_data(prometheus: str) -> None:
    deadline_s = time.monotonic() + WAIT_S
    while left := silent(prometheus, PANELS):
        assert time.monotonic() < deadline_s, left
    assert not answers(prometheus, "no_such_metric")
