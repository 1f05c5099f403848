"""The facade: everything that a command does, as data. Nothing here prints."""
