"""The client in Go, which knows nothing but the published protocol, against a server."""

import asyncio
import json
import os
import shutil
import subprocess
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from dwcp.serving.access import ALL_RIGHTS, Access, Caller, InFlight, Limits, Right
from dwcp.serving.hints import Hints
from dwcp.serving.hints.http import routes
from dwcp.serving.http import HttpServer, HttpSettings, RouteGroup, bind_tcp, bind_unix, make_app
from dwcp.serving.local import LocalAdvisor
from dwcp.serving.models import Models
from dwcp.tasks import discover

SOURCE = Path(__file__).parents[2] / "examples" / "go"
EVERYBODY = Access({}, Caller("everybody", ALL_RIGHTS))
GUARDED = Access({"secret": Caller("go", frozenset({Right.HINTS, Right.INFER}))}, Caller("", frozenset()))


@pytest.fixture(scope="module")
def program(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The client, built without the network; what was compiled once is kept beside pytest's own cache."""
    if shutil.which("go") is None:
        pytest.skip("go is not installed (Debian: golang-go), so its client cannot be built")
    built = tmp_path_factory.mktemp("go") / "client"
    kept = str(request.config.cache.mkdir("go"))  # type: ignore[union-attr]
    environment = {**os.environ, "GOFLAGS": "-mod=mod", "GOPROXY": "off", "GOCACHE": kept}
    done = subprocess.run(["go", "build", "-o", built, "."], cwd=SOURCE, env=environment, capture_output=True)
    assert done.returncode == 0, done.stderr.decode()
    return built


class Rules(LocalAdvisor):
    """An advisor without models, which keeps what it is told."""

    def __init__(self) -> None:
        super().__init__(discover().values(), None, deadline_ms=60_000.0)
        self.observed: list[Any] = []

    def observe(self, task_name: str, context: Any, action: Any, outcome: Any) -> None:
        self.observed.append((task_name, context.flow, action.name, outcome.stored_bytes))


@pytest.fixture
def rules() -> Iterator[Rules]:
    made = Rules()
    yield made
    made.close()


@pytest.fixture
def addresses(world: Any, rules: Rules, tmp_path: Path) -> Iterator[list[str]]:
    """A server: TCP with a token, and a Unix socket without."""
    world.serve()
    listeners = [bind_tcp("127.0.0.1", 0), bind_unix(tmp_path / "s")]
    in_flight, begun = InFlight(8), threading.Event()
    group = RouteGroup(routes(Hints(rules)), Right.HINTS)
    loop, drain = asyncio.new_event_loop(), asyncio.Event()
    with ThreadPoolExecutor(2) as workers:
        app = make_app(
            Models(world.advisor, ["toy"]), HttpSettings(GUARDED, EVERYBODY), workers, in_flight, [group]
        )
        server = HttpServer(app, listeners, in_flight, Limits())
        thread = threading.Thread(target=lambda: loop.run_until_complete(server.serve(drain, 5.0, begun.set)))
        thread.start()
        assert begun.wait(20.0)
        yield server.addresses
        loop.call_soon_threadsafe(drain.set)
        thread.join(20.0)
    loop.close()
    assert not thread.is_alive()


def run(program: Path, *options: str) -> tuple[int, str, str]:
    done = subprocess.run([program, *options], capture_output=True, text=True, timeout=60, check=False)
    return done.returncode, done.stdout, done.stderr


@pytest.mark.slow
def test_hints_outcome_and_inference(program: Path, addresses: list[str], rules: Rules, world: Any) -> None:
    for place, options in ((addresses[0], ["-token", "secret"]), (addresses[1], [])):
        rules.observed.clear()
        code, out, err = run(program, "-server", place, "-model", "toy", *options)
        assert (code, err) == (0, "")
        told = json.loads(out)
        # Bandwidth and prefetching learn while they serve; there is no model for compression.
        reasons = [told[task]["reason"] for task in ("bandwidth", "compression", "prefetch")]
        assert reasons == ["MODEL", "FALLBACK_NO_MODEL", "MODEL"]
        assert told["bandwidth"]["model"] == {"task": "bandwidth", "version": "online", "digest": ""}
        assert "model" not in told["compression"]
        quantiles = told["bandwidth"]["action"]["next_step"]
        assert 0 < quantiles["low"] < quantiles["mid"] < quantiles["high"]
        assert told["prefetch"]["action"]["blocks"] == []
        chosen = told["compression"]["action"]
        ((task, flow, action, stored_bytes),) = rules.observed
        assert (task, flow, stored_bytes) == ("compression", "backup", 300_000)
        assert action.startswith(chosen["codec"])
        # At x = 1 and kind = 1: x times 1, 0, -1, plus the model's bias of 0, 50, 100, plus the kind.
        assert told["inference"]["outputs"] == {"costs": [2, 51, 100], "confidence": [1]}
        assert told["inference"]["model_version"] == world.advisor.models()["toy"].version


@pytest.mark.slow
def test_refusals_are_told_in_the_servers_words(program: Path, addresses: list[str]) -> None:
    code, out, err = run(program, "-server", addresses[0], "-token", "wrong")
    assert (code, out) == (1, "")
    assert "401 Unauthorized: a known token is needed" in err
    code, _, err = run(program, "-server", addresses[1], "-model", "nobody")
    assert code == 1
    assert "404 Not Found: there is no model 'nobody'" in err
