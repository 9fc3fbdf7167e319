"""The JUnit file for CI: the bundle's own, or one that says why the run left none."""
from __future__ import annotations

import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

from elastometer.cli.base.exits import CliError, Exit, condition
from elastometer.cli.base.text import printable
from elastometer.model.bundle_files import JUNIT
from elastometer.model.status import SUCCEEDED


def write(path: Path, test: Mapping[str, Any], directory: Path | None) -> None:
    """Writes `path`: the bundle's own file or, without one, a test case that is an error with the run's reason."""
    own = None if directory is None else directory / JUNIT
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        if own is not None and own.exists():
            shutil.copyfile(own, path)
        else:
            path.write_bytes(without_report(test))
    except OSError as error:
        raise CliError(Exit.NOT_CARRIED_OUT, f"cannot write {path}: {error.strerror or error}") from error


def without_report(test: Mapping[str, Any]) -> bytes:
    """JUnit XML of a run that left no report."""
    name = printable(test["metadata"]["name"])
    succeeded = condition(test.get("status") or {}, SUCCEEDED)
    message = printable(f"{succeeded.get('reason', 'NoReport')}: {succeeded.get('message', 'the run left no report')}")
    suite = ElementTree.Element("testsuite", name=name, tests="1", errors="1", failures="0")
    case = ElementTree.SubElement(suite, "testcase", classname="elastometer", name=name)
    ElementTree.SubElement(case, "error", message=message, type="NotCarriedOut")
    return bytes(ElementTree.tostring(suite, encoding="utf-8", xml_declaration=True))
