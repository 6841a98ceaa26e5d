"""From a request's admission to its last token: limits, turns, forecasts, streaming, deadlines."""
