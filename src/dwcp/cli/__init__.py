"""The command line: one file a command group, put together in `dwcp.cli.app`; nothing imports it."""
