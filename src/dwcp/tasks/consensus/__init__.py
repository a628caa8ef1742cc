"""Consensus latency: is this group failing now, since when, and what speaks for it."""
