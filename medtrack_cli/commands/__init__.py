"""One file for each command: its signature, its help, and the call of the use case."""
