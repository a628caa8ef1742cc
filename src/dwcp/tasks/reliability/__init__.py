"""Node reliability: is this node failing, and what speaks for it."""
