"""Writes the manifests of the studies, `<study>/{full,staging,smoke}.yaml`, from one description of each.

Run it after each change of a description. `--check` only reports whether all are up to date, for CI.
"""
from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE)]

from description import all_in_one, cloud_autoscale, limits  # noqa: E402
from description.size import SIZES  # noqa: E402
from description.yaml_text import comment_lines, yaml_text  # noqa: E402

STUDIES = {"all-in-one": all_in_one, "cloud-autoscale": cloud_autoscale, "limits": limits}
SOURCE = "Written by manifests/studies/generate.py; change the description there."


def generated() -> Iterator[tuple[Path, str]]:
    """Every manifest with its text."""
    for name, study in STUDIES.items():
        for size in SIZES:
            head = [line for text in (*study.introduction(size), SOURCE) for line in comment_lines(text)]
            yield HERE / name / f"{size.name}.yaml", "\n".join([*head, yaml_text(study.manifest(size))])


def main() -> int:
    """0 if all are up to date, or were written."""
    stale = [(path, text) for path, text in generated() if not path.exists() or path.read_text() != text]
    if "--check" in sys.argv[1:]:
        for path, _ in stale:
            print(f"{path.relative_to(HERE.parents[1])} is not up to date: run manifests/studies/generate.py")
        return 1 if stale else 0
    for path, text in stale:
        path.parent.mkdir(exist_ok=True)
        path.write_text(text)
        print(f"wrote {path.relative_to(HERE.parents[1])}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
