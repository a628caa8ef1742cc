"""``dwcp serve``: models and hints for other programs, over HTTP and gRPC."""

from pathlib import Path
from typing import Annotated

import typer

from dwcp.cli.options import JsonFlag, RegistryOption
from dwcp.cli.session import session_of

__all__ = ["serve"]


def serve(
    context: typer.Context,
    tasks: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="[TASK]...",
            help="Whose models must be in service; all that have a champion unless given.",
            show_default=False,
        ),
    ] = None,
    host: Annotated[str, typer.Option(metavar="HOST", help="Address to listen on.")] = "127.0.0.1",
    port: Annotated[
        int, typer.Option(min=0, max=65535, metavar="N", help="Port for HTTP; 0 takes any free one.")
    ] = 9450,
    unix_socket: Annotated[
        Path | None,
        typer.Option(
            metavar="PATH",
            help="Listen on a Unix socket for this user, too; gRPC on PATH.grpc.",
            show_default=False,
        ),
    ] = None,
    grpc_port: Annotated[
        int | None,
        typer.Option(min=0, max=65535, metavar="N", help="Port for gRPC; none unless given."),
    ] = None,
    token_file: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            help="Who may ask over TCP: lines NAME RIGHTS TOKEN; rights: infer,hints,admin.",
            show_default=False,
        ),
    ] = None,
    tls: Annotated[bool, typer.Option("--tls", help="Encrypt with the certificate of dwcp keys.")] = False,
    tls_cert: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Encrypt with this certificate.", show_default=False)
    ] = None,
    tls_key: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Its key, where that is another file.", show_default=False),
    ] = None,
    client_ca: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE", help="Callers need a certificate signed by one of these.", show_default=False
        ),
    ] = None,
    client_rights: Annotated[
        str, typer.Option(metavar="RIGHTS", help="What callers with a certificate alone may do.")
    ] = "infer,hints",
    max_body_mb: Annotated[
        float, typer.Option(min=0.001, max=1024, metavar="MB", help="Largest body of a request.")
    ] = 16.0,
    max_concurrent: Annotated[
        int, typer.Option(min=1, max=10_000, metavar="N", help="Requests at work at once; more are refused.")
    ] = 64,
    deadline_ms: Annotated[
        float, typer.Option(min=0.1, max=60_000, metavar="MS", help="Longest a model may take for a hint.")
    ] = 20.0,
    drain_s: Annotated[
        float, typer.Option(min=0, max=3600, metavar="S", help="Longest to wait for requests at the end.")
    ] = 30.0,
    insecure: Annotated[
        bool, typer.Option("--insecure", help="Let anybody who reaches the address ask.")
    ] = False,
    store: Annotated[
        str | None,
        typer.Option(
            metavar="STORE",
            help="Tell this store's figures among the metrics: its folder, or s3://BUCKET/PREFIX.",
            show_default=False,
        ),
    ] = None,
    store_passphrase_file: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            help="Holds that store's passphrase; else DWCP_STORE_PASSPHRASE, or it is asked for.",
            show_default=False,
        ),
    ] = None,
    registry: RegistryOption = None,
    json: JsonFlag = False,
) -> None:
    """Serve models by the Open Inference Protocol v2 until SIGTERM or Ctrl-C, which end it in good order.

    On this host anybody may ask; to listen elsewhere, callers need a token or a certificate. A Unix socket is
    for this user alone and needs neither. GET /v2/health/ready tells when the models are verified,
    /openapi.json describes everything.

    For example: dwcp serve --port 9450 --unix-socket /run/user/1000/dwcp.sock
    """
    from dwcp.cli.serving import ServeOptions, run_server

    options = ServeOptions(
        tasks=tuple(tasks or ()),
        host=host,
        port=port,
        unix_socket=unix_socket,
        grpc_port=grpc_port,
        token_file=token_file,
        own_certificate=tls,
        tls_cert=tls_cert,
        tls_key=tls_key,
        client_ca=client_ca,
        client_rights=client_rights,
        max_body_bytes=int(max_body_mb * 1e6),
        max_concurrent=max_concurrent,
        deadline_ms=deadline_ms,
        drain_s=drain_s,
        insecure=insecure,
        registry=registry,
        store=store,
        store_passphrase_file=store_passphrase_file,
        json=json,
    )
    session = session_of(context)
    status = run_server(session, options)
    session.leaves_at_once = True
    if status:
        raise typer.Exit(status)
