"""The model on other machines, as the bot sees it: a service that is asked over HTTP."""
