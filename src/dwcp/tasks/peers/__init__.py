"""Choosing whom to ask, of several that have the data."""
