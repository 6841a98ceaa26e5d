"""The bot's side of the model worker: the process, its health, and what it was asked."""
