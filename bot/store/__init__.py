"""What outlives a restart: the database, its tables, and how a run lies in a row."""
