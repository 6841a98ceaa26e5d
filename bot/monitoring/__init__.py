"""What an operator's own tools read of the bot: metrics for Prometheus, and whether it serves."""
