"""The page in a real browser: it lives without a reload, says when it is cut off, comes back, and fits."""

import re
import shutil
import socket
import subprocess
import threading
from collections.abc import Callable, Iterator
from html import unescape
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("starlette")
pytest.importorskip("uvicorn")

import uvicorn
from starlette.applications import Starlette
from starlette.responses import Response
from starlette.routing import Route

from dwcp.serving.page.routes import routes

BROWSER = shutil.which("chromium")
pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(BROWSER is None, reason="chromium is not installed (Debian: chromium)"),
]
PROBE = """
"use strict";
addEventListener("load", () => {
  const root = document.documentElement;
  const told = parent.document.documentElement.dataset;
  told.sideways = `${root.scrollWidth} of ${innerWidth}`;
  told.loads = Number(sessionStorage.loads ?? 0) + 1;
  sessionStorage.loads = told.loads;
  const last = document.querySelector("details:last-of-type:not([open])");
  last.open = true;
  last.querySelector("summary").focus();
  setTimeout(() => {
    told.kept = last.isConnected && last.open && document.activeElement === last.firstElementChild;
    told.unfolded = `${root.scrollWidth} of ${innerWidth}`;
  }, 4500);
});
"""


class Site:
    """The page on a port of its own, with a script that looks at it; `live` answers for what changes."""

    def __init__(self, served: Any, live: Callable[[Callable[[], Response]], Response]) -> None:
        page, fragment, *static = routes(served.observed)
        self.asked = 0

        def probed(request: Any) -> Response:
            answer = page.endpoint(request)
            text = bytes(answer.body).decode().replace("</body>", '<script src="/probe.js"></script></body>')
            policy = answer.headers["content-security-policy"].replace("ancestors 'none'", "ancestors 'self'")
            changed = {"content-length": str(len(text.encode())), "content-security-policy": policy}
            return Response(text, headers=dict(answer.headers) | changed)

        def framed(request: Any) -> Response:
            """A window of the browser is never as narrow as a telephone."""
            width = request.path_params["width"]
            text = f'<!doctype html><title>-</title><iframe src="/" width="{width}" height="900"></iframe>'
            return Response(text.replace("<iframe", '<iframe frameborder="0"'), media_type="text/html")

        def part(request: Any) -> Response:
            self.asked += 1
            served.ask()
            return live(lambda: fragment.endpoint(request))

        def probe(request: Any) -> Response:
            return Response(PROBE, media_type="text/javascript")

        framing = Route("/framed/{width:int}", framed)
        everything = [
            Route("/", probed),
            framing,
            Route("/page/live", part),
            Route("/probe.js", probe),
            *static,
        ]
        with socket.socket() as one:
            one.bind(("127.0.0.1", 0))
            self.port = one.getsockname()[1]
        settings = uvicorn.Config(
            Starlette(routes=everything), port=self.port, log_level="error", lifespan="off", ws="none"
        )
        self.server = uvicorn.Server(settings)
        self.thread = threading.Thread(target=self.server.run)
        self.thread.start()

    def close(self) -> None:
        self.server.should_exit = True
        self.thread.join()

    def dom(self, profile: Path, path: str = "") -> str:
        """The document after ten seconds of the browser's own time."""
        done = subprocess.run(
            [
                *(BROWSER, "--headless", "--no-sandbox", "--disable-gpu", f"--user-data-dir={profile}"),
                *("--enable-logging=stderr", "--virtual-time-budget=10000", "--dump-dom"),
                f"http://127.0.0.1:{self.port}/{path}",
            ],
            capture_output=True,
            text=True,
            timeout=120,
        )
        assert "Content Security Policy" not in done.stderr
        assert "Uncaught" not in done.stderr
        return unescape(done.stdout)


@pytest.fixture
def open_site(served: Any) -> Iterator[Callable[..., Site]]:
    made: list[Site] = []

    def start(live: Callable[[Callable[[], Response]], Response]) -> Site:
        made.append(Site(served, live))
        return made[-1]

    yield start
    for site in made:
        site.close()


def told(dom: str, name: str) -> str:
    return re.search(rf'data-{name}="([^"]*)"', dom).group(1)


def test_it_lives_without_a_reload_and_keeps_what_is_unfolded(
    open_site: Callable[..., Site], tmp_path: Path
) -> None:
    site = open_site(lambda answer: answer())
    dom = site.dom(tmp_path)
    assert "Live, as of" in dom
    assert site.asked >= 3
    shown = int(re.search(r"(\d+) hints", dom).group(1))
    assert 40 < shown <= 40 + site.asked
    assert told(dom, "loads") == "1"
    assert told(dom, "kept") == "true"


@pytest.mark.parametrize("width", [360, 1280])
def test_it_fits(open_site: Callable[..., Site], tmp_path: Path, width: int) -> None:
    dom = open_site(lambda answer: answer()).dom(tmp_path, f"framed/{width}")
    for moment in ("sideways", "unfolded"):
        needed, given = map(int, told(dom, moment).split(" of "))
        assert given == width
        assert needed <= width


def test_it_says_when_it_is_cut_off(open_site: Callable[..., Site], tmp_path: Path) -> None:
    site = open_site(lambda _answer: Response(status_code=503))
    dom = site.dom(tmp_path)
    assert re.search(r"Not connected since .*\d\d:\d\d:\d\d UTC", re.sub("<[^>]+>", "", dom))
    assert "40 hints" in dom
    assert site.asked >= 2


def test_it_comes_back_by_itself(open_site: Callable[..., Site], tmp_path: Path) -> None:
    failures = iter([Response(status_code=503), Response(status_code=500)])
    site = open_site(lambda answer: next(failures, None) or answer())
    dom = site.dom(tmp_path)
    assert "Live, as of" in dom
    assert 'class="lost"' not in dom
    assert told(dom, "loads") == "1"
    assert int(re.search(r"(\d+) hints", dom).group(1)) > 40
