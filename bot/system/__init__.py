"""Where the process meets the system it runs on: terminal, signals, memory, uncaught errors, exit status."""
