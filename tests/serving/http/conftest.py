"""A model in memory that can be made slow or broken, and a server on free ports in a thread of its own."""

import asyncio
import socket
import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import httpx
import numpy as np
import pytest

from dwcp.errors import ArtifactNotFoundError, ArtifactRefusedError, InputError
from dwcp.serving.access import ALL_RIGHTS, Access, Caller, InFlight, Limits
from dwcp.serving.http import HttpServer, HttpSettings, bind_tcp, bind_unix, make_app
from dwcp.serving.inference import ModelEntry, ModelMetadata, TensorMetadata

EVERYBODY = Access({}, Caller("everybody", ALL_RIGHTS))
INPUTS = (
    TensorMetadata("x", "float32", (-1,), "percent", "where the costs cross"),
    TensorMetadata("window", "float32", (-1, 3), "1", "the latest three"),
    TensorMetadata("kind", "int64", (-1,), "1", "added to every cost"),
)
OUTPUTS = (
    TensorMetadata("costs", "float32", (-1, 2), "s", "of each candidate"),
    TensorMetadata("best", "int64", (-1,), "1", "the cheapest"),
)


class MemoryInference:
    """One model, ``toy``, of version 1.2.0; ``held`` stops it while it is clear, ``fault`` is raised."""

    def __init__(self):
        self.loaded = True
        self.held = threading.Event()
        self.held.set()
        self.entered = threading.Event()
        self.fault = None
        self.calls = []

    def ready(self):
        return self.loaded

    def index(self):
        state, reason = ("READY", "") if self.loaded else ("UNAVAILABLE", "it was unloaded")
        return [ModelEntry("empty", "", "UNAVAILABLE", "none"), ModelEntry("toy", "1.2.0", state, reason)]

    def metadata(self, name, version=None):
        self._find(name, version)
        return ModelMetadata("toy", "1.2.0", ("1.2.0",), "digest", "fingerprint", INPUTS, OUTPUTS)

    def infer(self, name, version, arrays):
        self._find(name, version)
        self.entered.set()
        assert self.held.wait(10)
        if self.fault is not None:
            raise self.fault
        for tensor in INPUTS:
            array = arrays.get(tensor.name)
            fits = array is not None and array.dtype == tensor.dtype and array.shape[1:] == tensor.shape[1:]
            if not fits or not np.isfinite(array).all():
                raise InputError(f"input {tensor.name} does not fit")
        if set(arrays) != {tensor.name for tensor in INPUTS}:
            raise InputError("there is an input that the model has not")
        costs = np.stack([arrays["x"] + arrays["kind"], arrays["window"].sum(axis=1)], axis=1)
        return "1.2.0", {"costs": costs.astype(np.float32), "best": costs.argmin(axis=1)}

    def load(self, name, version=None):
        self.calls.append(("load", name, version))
        self._known(name)
        if version == "6.6.6":
            raise ArtifactRefusedError("toy 6.6.6 is refused: its digest is wrong")
        self.loaded = True

    def unload(self, name):
        self.calls.append(("unload", name))
        self._known(name)
        self.loaded = False

    def _known(self, name):
        if name != "toy":
            raise ArtifactNotFoundError(f"there is no model {name!r}")

    def _find(self, name, version):
        self._known(name)
        if not self.loaded or version not in (None, "1.2.0"):
            raise ArtifactNotFoundError(f"toy {version} is not loaded")


class Served:
    """A server that runs; `drain` ends it."""

    def __init__(self, listeners, app, in_flight, limits, drain_s):
        self.in_flight = in_flight
        self.url, *more = [listener.address for listener in listeners]
        self.port = listeners[0].sock.getsockname()[1]
        self.socket_path = listeners[1].path if more else None
        self.is_clean = None
        self._server = HttpServer(app, listeners, in_flight, limits)
        self._drain_s = drain_s
        self._begun = threading.Event()
        self._thread = threading.Thread(target=lambda: asyncio.run(self._serve()))
        self._thread.start()
        assert self._begun.wait(10)

    async def _serve(self):
        self._loop, self._drain = asyncio.get_running_loop(), asyncio.Event()
        self.is_clean = await self._server.serve(self._drain, self._drain_s, self._begun.set)

    def drain(self):
        self._loop.call_soon_threadsafe(self._drain.set)

    def end(self):
        if self._thread.is_alive():
            self.drain()
            self._thread.join(15)
        assert not self._thread.is_alive()

    def client(self, **options):
        return httpx.Client(base_url=self.url, timeout=10, trust_env=False, **options)

    @contextmanager
    def raw(self, timeout=10):
        with socket.create_connection(("127.0.0.1", self.port), timeout) as sock:
            yield sock


@pytest.fixture
def inference():
    return MemoryInference()


@pytest.fixture
def workers():
    with ThreadPoolExecutor(4) as pool:
        yield pool


@pytest.fixture
def serve(inference, workers, tmp_path):
    """Start a server; what still runs at the end is ended."""
    running = []

    def start(
        access=EVERYBODY,
        limits=None,
        models=None,
        unix=False,
        more_routes=(),
        tls=None,
        drain_s=5.0,
        **settings,
    ):
        limits = limits or Limits()
        in_flight = InFlight(limits.max_concurrent)
        listeners = [bind_tcp("127.0.0.1", 0, tls)]
        if unix:
            listeners.append(bind_unix(Path(tmp_path) / "s"))
        settings = HttpSettings(access, settings.pop("socket_access", access), limits, **settings)
        app = make_app(models or inference, settings, workers, in_flight, more_routes)
        running.append(Served(listeners, app, in_flight, limits, drain_s))
        return running[-1]

    yield start
    inference.held.set()
    for server in running:
        server.end()


@pytest.fixture
def question():
    """Makes a JSON question that the toy can answer."""
    return toy_question


def toy_question(rows=2, **more):
    return {
        "inputs": [
            {"name": "x", "shape": [rows], "datatype": "FP32", "data": [1.5] * rows},
            {"name": "window", "shape": [rows, 3], "datatype": "FP32", "data": [0.1, 0.2, 0.3] * rows},
            {"name": "kind", "shape": [rows], "datatype": "INT64", "data": [2] * rows},
        ],
        **more,
    }


class InProcess:
    """A synchronous client of an application, without sockets."""

    def __init__(self, app, base_url="http://127.0.0.1"):
        self.app = app
        self._options = {
            "transport": httpx.ASGITransport(app, raise_app_exceptions=False),
            "base_url": base_url,
        }

    def _ask(self, method, path, **options):
        async def ask():
            async with httpx.AsyncClient(**self._options) as client:
                return await client.request(method, path, **options)

        return asyncio.run(ask())

    def get(self, path, **options):
        return self._ask("GET", path, **options)

    def post(self, path, **options):
        return self._ask("POST", path, **options)

    def put(self, path, **options):
        return self._ask("PUT", path, **options)


@pytest.fixture
def make_client(inference, workers):
    """Makes a client of an application with the given access, limits and routes."""

    def make(access=EVERYBODY, limits=None, more_routes=(), in_flight=None, **settings):
        limits = limits or Limits()
        settings = HttpSettings(access, settings.pop("socket_access", access), limits, **settings)
        in_flight = in_flight or InFlight(limits.max_concurrent)
        return InProcess(make_app(inference, settings, workers, in_flight, more_routes))

    return make


@pytest.fixture
def asgi(make_client):
    return make_client()
