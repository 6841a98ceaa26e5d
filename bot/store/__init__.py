"""What outlives a restart: the database, its tables, and how a run becomes a row."""
