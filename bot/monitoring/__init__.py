"""The bot as an operator's tools see it: metrics for Prometheus, and whether it is healthy."""
