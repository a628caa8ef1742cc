"""Which blocks are so alike that one is worth storing as what differs from the other."""
