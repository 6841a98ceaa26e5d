"""Discord in and out: commands and presses arrive, cards leave."""
