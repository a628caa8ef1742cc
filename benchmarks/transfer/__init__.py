"""Transfers side by side: ours, other tools, and the limit, over links that were checked first."""
