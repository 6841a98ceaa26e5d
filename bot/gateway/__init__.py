"""The connections to Discord: which of them this process has, and whose turn it is to connect."""
