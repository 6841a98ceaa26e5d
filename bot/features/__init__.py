"""What the commands do, without Discord and without waiting: pure functions and frozen data."""
