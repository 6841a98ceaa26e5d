"""The simulated Discord that the playground and the tests run in."""
