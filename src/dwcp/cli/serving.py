"""Puts `dwcp serve` together: models, hints, who may ask, and the servers that answer."""

import asyncio
import os
import sys
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, closing
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from dwcp.cli.failures import Status
from dwcp.cli.output import require_writable
from dwcp.cli.serving_access import (
    Certificates,
    access_over_tcp,
    certificates,
    read_rights,
    read_tokens,
    require_grpc_key,
    tls_context,
)
from dwcp.cli.session import Session
from dwcp.errors import ExtraMissingError
from dwcp.serving.access import ALL_RIGHTS, Access, Caller, InFlight, Limits, Right
from dwcp.serving.local import LocalAdvisor
from dwcp.serving.models import Models
from dwcp.tasks import discover

if TYPE_CHECKING:
    from dwcp.cli.serving_loop import Beside
    from dwcp.serving.grpc import Tls
    from dwcp.serving.hints.service import Hints
    from dwcp.serving.http import HttpSettings, Listener, RouteGroup
    from dwcp.serving.metrics import Observed
    from dwcp.storage import StoreStats

__all__ = ["ServeOptions", "run_server"]

_WORKERS = 8
_SWITCH_S = 0.0005
"""How long a thread may hold the interpreter while others wait: less than a hint may take."""
_LOCAL_NAMES = frozenset({"localhost", "127.0.0.1", "::1"})


@dataclass(frozen=True, slots=True)
class ServeOptions:
    """What `dwcp.cli.serve.serve` was told; see its options."""

    tasks: tuple[str, ...]
    host: str
    port: int
    unix_socket: Path | None
    grpc_port: int | None
    token_file: Path | None
    own_certificate: bool
    tls_cert: Path | None
    tls_key: Path | None
    client_ca: Path | None
    client_rights: str
    max_body_bytes: int
    max_concurrent: int
    deadline_ms: float
    drain_s: float
    insecure: bool
    registry: Path | None
    store: str | None
    store_passphrase_file: Path | None
    json: bool

    def limits(self) -> Limits:
        """How much callers may ask."""
        return Limits(max_body_bytes=self.max_body_bytes, max_concurrent=self.max_concurrent)

    def certificates(self) -> Certificates | None:
        """What the server shows, and wants to be shown."""
        return certificates(self.tls_cert, self.tls_key, self.client_ca, own=self.own_certificate)

    def settings(self, host: str) -> "HttpSettings":
        """Who may ask, and how much.

        Args:
            host: address that is listened on, as a number.

        Raises:
            InputError: a file cannot be used, or anybody could ask.
        """
        from dwcp.serving.http import HttpSettings, Sessions

        tokens = {} if self.token_file is None else read_tokens(self.token_file)
        rights = None if self.client_ca is None else read_rights(self.client_rights)
        access = access_over_tcp(tokens, rights, host, insecure=self.insecure)
        same_user = Access({}, Caller("a caller on the Unix socket", ALL_RIGHTS))
        # Where nothing else is asked for, a browser on this host must not be led here by another's name.
        hosts = frozenset() if tokens or rights or self.insecure else _LOCAL_NAMES | {self.host.lower()}
        sessions = Sessions(time.monotonic) if access.needs_token else None
        return HttpSettings(access, same_user, self.limits(), hosts, sessions=sessions)


def run_server(session: Session, options: ServeOptions) -> Status:
    """Serve until told to end.

    Raises:
        InputError: an option cannot be used.
        StoreError: there is no store where one was named.
        StorageError: the home may not be written.
        ExtraMissingError: what serving needs is not installed.
    """
    try:
        from dwcp.cli.serving_loop import Told, serve_until_told
        from dwcp.cli.serving_models import load_models, require_registry, wanted_tasks
        from dwcp.cli.serving_watch import STATE_NAME, Watch
        from dwcp.serving.hints.service import Hints
        from dwcp.serving.http import HttpServer, make_app
    except ModuleNotFoundError as error:
        name = str(error.name).partition(".")[0]
        raise ExtraMissingError(
            f"{name} is not installed: pip install 'dwcp[serve]' brings what serving needs"
        ) from error
    sys.setswitchinterval(_SWITCH_S)
    require_writable(session.home / STATE_NAME)
    if options.registry is not None:
        require_registry(options.registry)
    registry, tasks = session.registry(options.registry), discover()
    wanted = wanted_tasks(registry, sorted(tasks), options.tasks)
    watch = Watch(session.home, tasks, registry)
    in_flight = InFlight(options.max_concurrent)
    told = Told(session, json=options.json)
    workers = ThreadPoolExecutor(_WORKERS, "dwcp-serve")
    with ExitStack() as stack:
        # Not waited for: what was cut off at the end may still be at work.
        stack.callback(workers.shutdown, wait=False, cancel_futures=True)
        steered = LocalAdvisor(
            tasks.values(),
            registry,
            deadline_ms=options.deadline_ms,
            steering=watch.helm,
            listeners=[watch.take_in],
        )
        advisor = stack.enter_context(closing(steered))
        keeper = watch.keeper(advisor, lambda event, words: told.say(event, words, message=words))
        stack.callback(keeper.close)
        store = _store(options, stack)
        listeners = _listeners(options, stack)
        settings = options.settings(listeners[0].host)
        models, hints = Models(advisor, wanted, settled=keeper.has_begun), Hints(advisor)
        more_routes = _more_routes(hints, watch.observed(advisor, store), settings)
        app = make_app(models, settings, workers, in_flight, more_routes)
        server = HttpServer(app, listeners, in_flight, settings.limits)
        beside = _grpc(models, hints, options, settings, in_flight)
        begin = partial(load_models, advisor, wanted, told, keeper)
        return asyncio.run(serve_until_told(server, beside, begin, told, options.drain_s))


def _store(options: ServeOptions, stack: ExitStack) -> Callable[[], "StoreStats | None"] | None:
    """What tells the figures of the store that was named."""
    if options.store is None:
        return None
    from dwcp.cli.serving_store import StoreWatch

    watch = StoreWatch(options.store, options.store_passphrase_file)
    stack.callback(watch.close)
    watch.start()
    return watch.figures


def _listeners(options: ServeOptions, stack: ExitStack) -> "Sequence[Listener]":
    from dwcp.serving.http import bind_tcp, bind_unix

    files = options.certificates()
    listeners = [bind_tcp(options.host, options.port, None if files is None else tls_context(files))]
    stack.callback(listeners[0].close)
    if options.unix_socket is not None:
        listeners.append(bind_unix(options.unix_socket))
        stack.callback(listeners[1].close)
    return listeners


def _more_routes(hints: "Hints", observed: "Observed", settings: "HttpSettings") -> Sequence["RouteGroup"]:
    """What is served over HTTP beside the Open Inference Protocol."""
    from dwcp.serving.hints.http import routes
    from dwcp.serving.hints.openapi import openapi_paths, openapi_schemas
    from dwcp.serving.http import RouteGroup
    from dwcp.serving.metrics.routes import PATH as METRICS
    from dwcp.serving.metrics.routes import routes as metrics_routes
    from dwcp.serving.page.routes import BROWSED, OPEN
    from dwcp.serving.page.routes import routes as page_routes
    from dwcp.serving.page.sign_in import SignIn

    groups = [
        RouteGroup(routes(hints), Right.HINTS, openapi_paths(), openapi_schemas()),
        RouteGroup(metrics_routes(observed), browsed=frozenset({METRICS})),
        RouteGroup(page_routes(observed), browsed=BROWSED, open=OPEN),
    ]
    if settings.sessions is not None:
        signing = SignIn(settings.access, settings.sessions).routes()
        groups.append(RouteGroup(signing, open=frozenset(route.path for route in signing)))
    return groups


def _grpc(
    models: Models, hints: "Hints", options: ServeOptions, settings: "HttpSettings", in_flight: InFlight
) -> Sequence["Beside"]:
    if options.grpc_port is None:
        return ()
    # Its core writes to standard error by itself what is said here in a sentence.
    os.environ.setdefault("GRPC_VERBOSITY", "NONE")
    from dwcp.serving.grpc import GrpcServer, GrpcSettings

    host = f"[{options.host}]" if ":" in options.host else options.host
    told = GrpcSettings(settings.access, settings.socket_access, settings.limits, tls=_pems(options))
    listen = [f"{host}:{options.grpc_port}"]
    if options.unix_socket is not None:
        listen.append(f"unix:{options.unix_socket}.grpc")
    return [GrpcServer(models, hints, told, listen, in_flight)]


def _pems(options: ServeOptions) -> "Tls | None":
    from dwcp.serving.grpc import Tls

    files = options.certificates()
    if files is None:
        return None
    certificate = files.certificate.read_bytes()
    require_grpc_key(certificate, files.certificate)
    roots = None if files.client_ca is None else files.client_ca.read_bytes()
    return Tls(certificate, files.key.read_bytes(), roots)
