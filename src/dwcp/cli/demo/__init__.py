"""``dwcp demo``: the whole round on real files of this machine."""

from dwcp.cli.demo.command import demo

__all__ = ["demo"]
