"""Reading the one ElasticityTest, or ElasticityStudy, that a file holds. Its meaning is checked by the API server and
the operator."""
from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any, TypeAlias

import yaml

from elastometer.cli.base.exits import CliError, Exit
from elastometer.cli.base.kinds import KINDS, TEST, Kind
from elastometer.model.names import API_VERSION
from elastometer.model.schema import shown
from elastometer_loadgen.base.document import read_documents

Manifest: TypeAlias = dict[str, Any]


def read_test(source: str) -> Manifest:
    """The ElasticityTest in the file, or in standard input for '-'."""
    return _read(source, (TEST,))


def read_manifest(source: str) -> Manifest:
    """As `read_test`, for an object of either kind."""
    return _read(source, KINDS)


def _read(source: str, kinds: Sequence[Kind]) -> Manifest:
    text = _text(source)
    try:
        documents = [document for document in read_documents(text) if document is not None]
    # PyYAML lets other errors through: numbers of no digits, documents nested too deeply.
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        raise CliError(Exit.SPEC_OR_USAGE, f"{source} must be YAML:", *str(error).splitlines()) from error
    if len(documents) != 1:
        raise _flaw(source, f"must contain exactly one YAML document, contains {len(documents)}")
    return _checked(source, documents[0], [kind.name for kind in kinds])


def _text(source: str) -> str:
    try:
        return sys.stdin.read() if source == "-" else Path(source).read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        why = getattr(error, "strerror", None) or error
        raise CliError(Exit.SPEC_OR_USAGE, f"cannot read {source}: {why}") from error


def _checked(source: str, document: object, kinds: Sequence[str]) -> Manifest:
    if not isinstance(document, dict):
        raise _flaw(source, f"must contain a mapping, is {shown(document)}")
    for field, values in (("apiVersion", [API_VERSION]), ("kind", kinds)):
        if document.get(field) not in values:
            found = "absent" if document.get(field) is None else shown(document[field])
            raise _flaw(source, f"`{field}` must be {' or '.join(map(repr, values))}, is {found}")
    metadata = document.get("metadata")
    if not isinstance(metadata, dict) or not isinstance(metadata.get("name"), str) or not metadata["name"]:
        raise _flaw(source, "`metadata.name` must be given as a string")
    namespace = metadata.get("namespace")
    if namespace is not None and (not isinstance(namespace, str) or not namespace):
        raise _flaw(source, f"`metadata.namespace` must be a string, is {namespace!r}")
    return document


def _flaw(source: str, what: str) -> CliError:
    return CliError(Exit.SPEC_OR_USAGE, f"{source}: {what}")
