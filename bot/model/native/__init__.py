"""Machine code for the two operations that writing a token spends its time in.

``product`` multiplies rows by packed weights, ``attention`` attends to cached keys
and values. Both are generated for the processor when the model is loaded.

No library has them in the form that this bot promises: where a result's bits
depend neither on how many rows are computed together, nor on how they are shared
out to threads. Here that is plain from the code: every number is made by one
chain of operations, whose order is written down.
"""
