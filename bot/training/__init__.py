"""The program that trained the demo model: ``python -m bot.training TEXT``.

    corpus ─▶ batches ─▶ training ─▶ network.export ─▶ evaluation ─▶ card

``corpus`` cuts a text into token streams, ``training`` fits a ``network`` to one of them under a budget of
minutes, ``export`` writes a folder that loads as any GPT-2 does, ``evaluation`` measures it on the other
stream, and ``card`` says what came out.
"""
