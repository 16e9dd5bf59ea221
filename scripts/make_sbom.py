#!/usr/bin/env python3
"""Write what a release is made of, in CycloneDX: make_sbom.py FOLDER.

cyclonedx-py reads requirements/runtime.txt. Added are the edges, which uv writes there as comments,
and our version; left out is what names a package index, or repeats a line of the file.
"""

import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator

from medtrack_cli import __version__

ROOT = Path(__file__).parents[1]
REQUIREMENTS = ROOT / "requirements/runtime.txt"
ROOT_REF = f"medtrack@{__version__}"


def made_of() -> dict[str, Any]:
    """Read the requirements."""
    command = [
        sys.executable,
        "-W",
        "ignore",
        "-m",
        "cyclonedx_py",
        "requirements",
        "--output-reproducible",
    ]
    command += ["--pyproject", str(ROOT / "pyproject.toml"), "--spec-version", "1.6", "-"]
    text = REQUIREMENTS.read_bytes()
    ran = subprocess.run(command, input=text, check=True, stdout=subprocess.PIPE)  # noqa: S603 -- our own
    document: dict[str, Any] = json.loads(ran.stdout)
    root = document["metadata"]["component"]
    root |= {"bom-ref": ROOT_REF, "version": __version__, "purl": f"pkg:pypi/{ROOT_REF}"}
    document["metadata"]["tools"] = {
        "components": [
            {key: each[key] for key in ("type", "name", "version")}
            for each in document["metadata"]["tools"]["components"]
        ]
    }
    document["components"] = [component(each) for each in document["components"]]
    document["dependencies"] = edges(
        {each["name"]: each["bom-ref"] for each in document["components"]}
    )
    return document


def component(told: dict[str, Any]) -> dict[str, Any]:
    """Keep a package's name, version and the hashes of all files that it may be installed from."""
    kept = {key: told[key] for key in ("type", "name", "version", "purl")}
    hashes = [one for each in told["externalReferences"] for one in each.get("hashes", [])]
    return {**kept, "bom-ref": told["purl"], "hashes": hashes}


def edges(refs: dict[str, str]) -> list[dict[str, Any]]:
    """Read who needs whom: below each package stands "via" and who asked for it."""
    needs: dict[str, list[str]] = {ROOT_REF: [], **{ref: [] for ref in refs.values()}}
    block = re.compile(r"^([\w.-]+)==.*\n((?:    .*\n)*)", re.MULTILINE)
    for name, below in block.findall(REQUIREMENTS.read_text()):
        for parent in re.findall(r"^    # (?:via |  )([\w.-]+)(?: \(.*\))?$", below, re.MULTILINE):
            needs[ROOT_REF if parent == "medtrack" else refs[parent]].append(refs[name])
    return [{"ref": ref, "dependsOn": sorted(found)} for ref, found in needs.items()]


def main() -> None:
    """Write the file, if it is valid."""
    text = json.dumps(made_of(), indent=2, sort_keys=True) + "\n"
    if wrong := JsonStrictValidator(SchemaVersion.V1_6).validate_str(text):
        sys.exit(f"the SBOM is not valid: {wrong}")
    Path(sys.argv[1], f"medtrack-{__version__}.cdx.json").write_text(text, "utf-8")


if __name__ == "__main__":
    main()
