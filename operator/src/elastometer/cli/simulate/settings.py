"""`--set path=value`: changes a field of the test before it is checked."""
from __future__ import annotations

from collections.abc import Sequence

import yaml

from elastometer.cli.base.exits import CliError, Exit
from elastometer.cli.base.manifest_file import Manifest
from elastometer.model.errors import SpecError
from elastometer.twin.search.vary.paths import steps_of, written
from elastometer_loadgen.base.document import one_line, read_document


def with_settings(manifest: Manifest, settings: Sequence[str]) -> Manifest:
    """The manifest with every setting applied; paths start below `spec`, values are YAML."""
    spec = manifest.get("spec")
    for setting in settings:
        path, equals, text = setting.partition("=")
        if not equals or not path.strip():
            raise CliError(Exit.SPEC_OR_USAGE, f"--set must be path=value, is {setting!r}")
        try:
            spec = written(spec if isinstance(spec, dict) else {}, steps_of(path.strip()), read_document(text))
        except SpecError as error:
            raise CliError(Exit.SPEC_OR_USAGE, *(f"--set {flaw}" for flaw in error.flaws)) from error
        except (yaml.YAMLError, ValueError, TypeError) as error:
            raise CliError(Exit.SPEC_OR_USAGE, f"--set {path}: must lead to a value in YAML, is {text!r}: "
                                               f"{one_line(error)}") from error
    return {**manifest, "spec": spec} if settings else manifest
