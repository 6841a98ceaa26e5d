"""The bot in a simulated Discord (SimCord): in the browser, for ``try``, and for the tests.

Everything that knows SimCord is here; the bot itself does not know where it runs.
"""
