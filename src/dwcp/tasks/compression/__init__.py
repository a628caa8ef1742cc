"""tasks/compression."""
