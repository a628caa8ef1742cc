"""The page in a real browser: it lives without a reload, says when it is cut off, comes back, and fits."""

import re
import shutil
import socket
import subprocess
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
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

from dwcp.serving.access import ALL_RIGHTS, Access, Caller, InFlight
from dwcp.serving.http import HttpSettings, RouteGroup, Sessions, make_app
from dwcp.serving.page.routes import BROWSED, HEADERS, OPEN, routes
from dwcp.serving.page.sign_in import SignIn

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


PERSON = """
"use strict";
addEventListener("load", () => {
  const step = Number(sessionStorage.step ?? 0);
  const [field, button] = [document.getElementById("token"), document.querySelector("form button")];
  const shown = field ? (field.ariaInvalid === "true" ? "refused" : "form") : "page";
  sessionStorage.seen = `${sessionStorage.seen ?? ""}${shown} `;
  document.documentElement.dataset.seen = sessionStorage.seen;
  // A field is put in focus with the first frame, which may come after this.
  setTimeout(() => {
    document.documentElement.dataset.focused = document.activeElement === field;
  }, 1000);
  if (step > 2) return;
  sessionStorage.step = step + 1;
  if (field) field.value = step ? "TOKEN" : "wrong";
  button.click();
});
"""


class Browsed:
    """A page on a port of its own, for a browser to look at."""

    def __init__(self, app: Any) -> None:
        with socket.socket() as one:
            one.bind(("127.0.0.1", 0))
            self.port = one.getsockname()[1]
        settings = uvicorn.Config(
            app, port=self.port, log_level="error", lifespan="off", ws="none", interface="asgi3"
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


class Site(Browsed):
    """The page, with a script that looks at it; `live` answers for what changes."""

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
        super().__init__(Starlette(routes=everything))


class Guarded(Browsed):
    """The page of a server whose callers need a token, with a script that does what a person would."""

    def __init__(self, served: Any, token: str) -> None:
        access = Access({token: Caller("ops", ALL_RIGHTS)}, Caller("nobody", frozenset()))
        sessions = Sessions(lambda: 0.0)
        self.asked: list[tuple[str, str, str]] = []

        async def wait(_seconds: float) -> None:
            return None

        def person(_request: Any) -> Response:
            return Response(PERSON.replace("TOKEN", token), headers=HEADERS, media_type="text/javascript")

        signing = SignIn(access, sessions, wait).routes()
        groups = [
            RouteGroup(routes(served.observed), browsed=BROWSED, open=OPEN),
            RouteGroup(signing, open=frozenset(route.path for route in signing)),
            RouteGroup([Route("/person.js", person)], open=frozenset({"/person.js"})),
        ]
        settings = HttpSettings(access, access, sessions=sessions)
        self.app = make_app(None, settings, ThreadPoolExecutor(1), InFlight(8), groups)  # type: ignore[arg-type]
        super().__init__(self._with_person)

    async def _with_person(self, scope: Any, receive: Any, send: Any) -> None:
        """Every document gets the script; everything else stays as it is."""
        origin = dict(scope["headers"]).get(b"origin", b"").decode()
        self.asked.append((scope["method"], scope["path"], origin))
        script = b'<script src="/person.js"></script></body>'

        async def changed(message: Any) -> None:
            if message["type"] == "http.response.start":
                headers = [pair for pair in message["headers"] if pair[0] != b"content-length"]
                message = message | {"headers": headers}
            elif b"</body>" in message.get("body", b""):
                message = message | {"body": message["body"].replace(b"</body>", script)}
            await send(message)

        await self.app(scope, receive, changed)


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


def test_a_person_signs_in_looks_and_signs_out(served: Any, tmp_path: Path) -> None:
    site = Guarded(served, "t" * 32)
    try:
        dom = site.dom(tmp_path)
    finally:
        site.close()
    assert told(dom, "seen").split() == ["form", "refused", "page", "form"]
    assert told(dom, "focused") == "true"
    here = f"http://127.0.0.1:{site.port}"
    sent = [(path, origin) for method, path, origin in site.asked if method == "POST"]
    assert sent == [("/sign-in", here), ("/sign-in", here), ("/sign-out", here)]
    assert "t" * 32 not in dom
