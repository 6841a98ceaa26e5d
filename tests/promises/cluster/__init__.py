"""What the bot's users notice of a cluster whose machines die, come and go."""
