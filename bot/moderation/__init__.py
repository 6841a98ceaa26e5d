"""What a server has blocked: the words, how they are recognized, and where they are looked for."""
