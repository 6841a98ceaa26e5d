"""Machine code for what a token is written with.

``pack`` takes rows to where a product wants them, ``matmul`` multiplies them by
packed weights, ``attend`` attends to cached keys and values, and ``dispatch`` runs
all of a forward pass without coming back to Python. They are generated for the
processor when the model is loaded.

No library has them in the form that this bot promises: where a result's bits
depend neither on how many rows are computed together, nor on how they are shared
out to threads. Here that is plain from the code: every number is made by one
chain of operations, whose order is written down.
"""
