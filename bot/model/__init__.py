"""The language model: its worker process and the messages that reach it.

Nothing here knows Discord or text; the model works on token ids only.
"""
