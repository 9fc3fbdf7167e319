"""Reading the one ElasticityTest that a file holds. Its meaning is checked by the API server and the operator."""
from __future__ import annotations

import sys
from pathlib import Path
from typing import Any, TypeAlias

import yaml

from elastometer.cli.base.exits import CliError, Exit
from elastometer.model.names import API_VERSION, KIND
from elastometer.model.schema import shown
from elastometer_loadgen.base.document import read_documents

Manifest: TypeAlias = dict[str, Any]


def read_test(source: str) -> Manifest:
    """The manifest in the file, or in standard input for '-'."""
    text = _text(source)
    try:
        documents = [document for document in read_documents(text) if document is not None]
    # PyYAML lets other errors through: numbers of no digits, documents nested too deeply.
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        raise CliError(Exit.SPEC_OR_USAGE, f"{source} must be YAML:", *str(error).splitlines()) from error
    if len(documents) != 1:
        raise _flaw(source, f"must contain exactly one YAML document, contains {len(documents)}")
    return _checked(source, documents[0])


def _text(source: str) -> str:
    try:
        return sys.stdin.read() if source == "-" else Path(source).read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        why = getattr(error, "strerror", None) or error
        raise CliError(Exit.SPEC_OR_USAGE, f"cannot read {source}: {why}") from error


def _checked(source: str, document: object) -> Manifest:
    if not isinstance(document, dict):
        raise _flaw(source, f"must contain a mapping, is {shown(document)}")
    for field, value in (("apiVersion", API_VERSION), ("kind", KIND)):
        if document.get(field) != value:
            found = "absent" if document.get(field) is None else repr(document[field])
            raise _flaw(source, f"`{field}` must be '{value}', is {found}")
    metadata = document.get("metadata")
    if not isinstance(metadata, dict) or not isinstance(metadata.get("name"), str) or not metadata["name"]:
        raise _flaw(source, "`metadata.name` must be given as a string")
    namespace = metadata.get("namespace")
    if namespace is not None and (not isinstance(namespace, str) or not namespace):
        raise _flaw(source, f"`metadata.namespace` must be a string, is {namespace!r}")
    return document


def _flaw(source: str, what: str) -> CliError:
    return CliError(Exit.SPEC_OR_USAGE, f"{source}: {what}")
