"""Which wheels of a folder this interpreter lacks. Standard library and packaging only.

python -m kit.missing_wheels PYPROJECT FOLDER

A wheel is printed where its package is absent, or of a version that pyproject.toml or another
printed wheel excludes. On stderr: what is needed and neither installed nor in the folder.
"""

from __future__ import annotations

import sys
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from email.parser import HeaderParser
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from zipfile import ZipFile

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name, parse_wheel_filename

# Of the optional group `dev`, what tests and benchmarks on a GPU run with.
_TEST_PACKAGES = {"accelerate", "pytest", "pytest-timeout"}


@dataclass(frozen=True)
class Wheel:
    """A wheel file, and what it requires for this interpreter."""

    path: Path
    requirements: tuple[Requirement, ...]


def main() -> None:
    """Print the paths of the missing wheels, one a line."""
    wheels = {name_of_wheel(path): path for path in Path(sys.argv[2]).glob("*.whl")}
    needed = list(project_requirements(Path(sys.argv[1])))
    missing: dict[str, Wheel] = {}
    while needed:
        requirement = needed.pop()
        name = canonicalize_name(requirement.name)
        if name in missing or is_satisfied(requirement):
            continue
        if name not in wheels:
            print(f"neither installed nor packed: {requirement}", file=sys.stderr)
            continue
        missing[name] = read_wheel(wheels[name])
        needed += missing[name].requirements
    for _, wheel in sorted(missing.items()):
        print(wheel.path)


def name_of_wheel(path: Path) -> str:
    return parse_wheel_filename(path.name)[0]


def project_requirements(pyproject: Path) -> Iterator[Requirement]:
    """Yield tuner's own requirements, and those of its tests."""
    project = tomllib.loads(pyproject.read_text(encoding="utf-8"))["project"]
    yield from map(Requirement, project["dependencies"])
    for requirement in map(Requirement, project["optional-dependencies"]["dev"]):
        if canonicalize_name(requirement.name) in _TEST_PACKAGES:
            yield requirement


def is_satisfied(requirement: Requirement) -> bool:
    """Whether a version that fits is installed."""
    try:
        return requirement.specifier.contains(version(requirement.name), prereleases=True)
    except PackageNotFoundError:
        return False


def read_wheel(path: Path) -> Wheel:
    """Read what a wheel requires, extras left out."""
    with ZipFile(path) as archive:
        names = [name for name in archive.namelist() if name.endswith(".dist-info/METADATA")]
        metadata = HeaderParser().parsestr(archive.read(names[0]).decode())
    every = map(Requirement, metadata.get_all("Requires-Dist", []))
    return Wheel(path, tuple(r for r in every if r.marker is None or r.marker.evaluate()))


if __name__ == "__main__":
    main()
