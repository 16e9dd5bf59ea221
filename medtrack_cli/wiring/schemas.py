"""Schemas of folders, files and git revisions."""

from medtrack_cli.files.schemas.folders import contracts_as_they_were, read_contract, read_contracts

__all__ = ["contracts_as_they_were", "read_contract", "read_contracts"]
