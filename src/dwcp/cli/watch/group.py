"""The commands of ``dwcp watch``, in the order of the help."""

import typer

from dwcp.cli.watch.command import link
from dwcp.cli.watch.etcd import etcd
from dwcp.cli.watch.nodes import nodes

__all__ = ["watch"]

watch = typer.Typer(name="watch", no_args_is_help=True, help="Watch what goes on, live.")

for command in (link, nodes, etcd):
    watch.command()(command)
