"""Events read from files, lazily, with their places."""
