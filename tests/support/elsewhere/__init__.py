"""Kernels for processors that this machine does not have, run by an emulator."""
