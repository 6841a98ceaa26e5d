"""How many machines, shards and writes so many servers take: a simulation."""
