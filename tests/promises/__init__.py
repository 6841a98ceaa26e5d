"""What the bot promises, measured: a program for each promise, and a small version of it as a test."""
