"""The samples, written."""

from medtrack_cli.files.samples import write_samples

__all__ = ["write_samples"]
