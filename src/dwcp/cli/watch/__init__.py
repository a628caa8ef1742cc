"""``dwcp watch``: what goes on, live."""

from dwcp.cli.watch.group import watch

__all__ = ["watch"]
