"""The program that trains the demo model: ``python -m bot.training TEXT``.

    corpus ─▶ training ─▶ export ─▶ evaluation ─▶ card
                │  └ network, losses

``corpus`` cuts a text into token streams, ``training`` fits ``network`` to one
of them under a budget of minutes, ``export`` writes a folder that loads as any
GPT-2 does, ``evaluation`` and ``ngrams`` measure it on the other stream and
``card`` says what came out.
"""
