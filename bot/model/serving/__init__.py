"""The model over HTTP, for bots on other machines: the other end of :mod:`bot.model.remote`."""
