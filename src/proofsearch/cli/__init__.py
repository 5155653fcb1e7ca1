"""The command line: one file a command. Nothing below this package knows of it."""
