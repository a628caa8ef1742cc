"""DWCP: move and store data faster by learning, without ever depending on having learned."""

__version__ = "0.1.0"
