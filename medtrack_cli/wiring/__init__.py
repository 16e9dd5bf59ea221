"""Adapters put together for the commands, configured by a Runtime and imported where used."""
