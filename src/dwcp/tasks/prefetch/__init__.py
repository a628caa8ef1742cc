"""Which blocks are read next."""
