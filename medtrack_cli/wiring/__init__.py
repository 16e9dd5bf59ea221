"""Adapters put together for the commands, by what a Runtime says: imported where it is used."""
