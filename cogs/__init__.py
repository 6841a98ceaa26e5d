"""The commands, one family a file: each parses, asks and shows, nothing more."""
