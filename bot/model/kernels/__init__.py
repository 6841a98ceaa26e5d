"""Machine code for a forward pass, generated for the processor when a model is loaded.

``pack`` packs rows for a product, ``matmul`` multiplies them by packed weights, ``attend`` attends to
cached keys and values, and ``dispatch`` runs a whole pass without coming back to Python. ``forms`` lists
which instructions multiply on which ``processor``.

No library makes this bot's promise: a result's bits depend neither on how many rows are computed
together, nor on how they are shared out to threads, nor on the kind of processor. Here that is plain from
the code: every number is one chain of operations, whose order is written down.
"""
