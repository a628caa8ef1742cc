"""``dwcp watch``: what goes on, live."""

from dwcp.cli.watch.command import watch

__all__ = ["watch"]
