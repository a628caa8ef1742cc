"""Where sockets, threads and clocks are: the two ends of a session."""
