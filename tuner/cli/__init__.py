"""The commands: thin, quick to import, and nothing heavy before a command asks for it."""

from tuner.cli.entry import main

__all__ = ["main"]
