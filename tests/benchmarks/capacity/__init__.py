"""How many machines, processes, shards and writes so many servers take: a simulation on measured figures."""
