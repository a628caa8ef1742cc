"""Stores beside each other: how small versions get, how fast, and in how much memory."""
