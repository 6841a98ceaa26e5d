"""The worker process: reads requests from a pipe, steps the engine, writes tokens."""
