"""Which codec, at which level, with or without a reference."""
