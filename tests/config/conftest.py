"""A home, a repository and a way to load the configuration that they add up to."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

import pytest

from medtrack_cli.config.loader import load
from medtrack_cli.config.model import Config


@dataclass(frozen=True)
class Machine:
    """A user's home and a repository `work` in it."""

    home: Path

    @property
    def work(self) -> Path:
        return self.home / "work"

    def user(self, text: str, mode: int = 0o600) -> Path:
        path = self.home / ".config" / "medtrack" / "config.yaml"
        path.parent.mkdir(parents=True)
        return self.write(path, text, mode)

    def project(self, text: str) -> Path:
        return self.write(self.work / "medtrack.yaml", text, 0o644)

    def write(self, path: Path, text: str, mode: int) -> Path:
        path.write_text(text, encoding="utf-8")
        path.chmod(mode)
        return path

    def load(
        self,
        prompt: Callable[[str], str] | None = None,
        cwd: Path | None = None,
        /,
        *,
        environ: Mapping[str, str] | None = None,
        **flags: str,
    ) -> Config:
        return load(
            flags=flags,
            environ={"HOME": str(self.home), **(environ or {})},
            cwd=cwd or self.work,
            prompt=prompt,
        )


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    """Make an empty home with an empty repository."""
    (tmp_path / "work" / ".git").mkdir(parents=True)
    return Machine(tmp_path)
