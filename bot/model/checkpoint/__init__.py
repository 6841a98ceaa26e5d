"""A checkpoint's files: where they are, what they hold, and why they cannot be used."""
