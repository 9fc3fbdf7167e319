"""Whichever field of a valid test or study is misspelt, and however deep it is, it is refused under that very path."""
from __future__ import annotations

import copy
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import assume, given
from hypothesis import strategies as st

from elastometer.cli.base.exits import CliError
from elastometer.cli.base.offline import checked_spec
from elastometer.cli.base.offline_study import checked_study
from elastometer_loadgen.profile.profile import ProfileError, parse_profile

ROOT = Path(__file__).parents[2]
FILES = [*sorted((ROOT / "manifests/samples").glob("*.yaml")), *sorted((ROOT / "tests/cases/simulate").glob("*.yaml"))]
DOCUMENTS: list[dict[str, Any]] = [yaml.safe_load(path.read_text()) for path in FILES]
TESTS = [document for document in DOCUMENTS if document["kind"] == "ElasticityTest"]
STUDIES = [document for document in DOCUMENTS if document["kind"] == "ElasticityStudy"]
# Their keys are the user's own.
MAPS = {"labels", "annotations", "nodeSelector", "limits", "requests", "matchLabels", "schema", "inline"}
Way = tuple[str | int, ...]


def fields(node: object, way: Way = ()) -> Iterator[Way]:
    """The path of every field."""
    if isinstance(node, dict) and not (way and way[-1] in MAPS):
        for key, child in node.items():
            yield (*way, key)
            yield from fields(child, (*way, key))
    elif isinstance(node, list) and not (way and way[-1] in MAPS):
        for index, child in enumerate(node):
            yield from fields(child, (*way, index))


# Without these there is no test to speak of, and the file is refused before it is looked into.
HEAD = {("apiVersion",), ("kind",), ("metadata",), ("metadata", "name")}
PLACES = [(test, way) for test in TESTS for way in fields(test) if way not in HEAD]
OF_STUDIES = [(study, way) for study in STUDIES for way in fields(study) if way not in HEAD]


def misspelt(word: str, kind: int, place: int) -> str:
    """One letter in the other case, left out, twice, or exchanged with the next."""
    at = place % len(word)
    letter, rest = word[at], word[at + 1:]
    return word[:at] + [letter.swapcase() + rest, rest, letter + letter + rest, rest[:1] + letter + rest[1:]][kind]


def path_of(way: Way) -> str:
    return "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in way).removeprefix(".")


def refusals(document: dict[str, Any]) -> tuple[str, ...]:
    try:
        if document["kind"] == "ElasticityStudy":
            checked_study("study.yaml", document)
        else:
            checked_spec("test.yaml", document)
    except CliError as error:
        return error.lines
    return ()


def test_there_are_documents_of_both_kinds() -> None:
    assert (len(TESTS) > 5, len(STUDIES) > 3) == (True, True)


@pytest.mark.parametrize("document", DOCUMENTS, ids=[path.stem for path in FILES])
def test_the_documents_that_the_misspelt_ones_differ_from_are_accepted(document: dict[str, Any]) -> None:
    assert refusals(document) == ()


def changed(test: dict[str, Any], way: Way, kind: int, place: int) -> tuple[dict[str, Any], str]:
    """The test with one field misspelt, and the path of that field."""
    test = copy.deepcopy(test)
    node: Any = test
    for step in way[:-1]:
        node = node[step]
    wrong = misspelt(str(way[-1]), kind, place)
    assume(wrong and wrong not in node)
    node[wrong] = node.pop(way[-1])
    return test, path_of((*way[:-1], wrong))


@given(st.sampled_from(PLACES), st.integers(0, 3), st.integers(0, 40))
def test_a_misspelt_field_is_refused_under_its_path(found: tuple[dict[str, Any], Way], kind: int, place: int) -> None:
    test, where = changed(*found, kind, place)
    assert any(line.startswith(f"  {where}: ") for line in refusals(test)), (where, refusals(test))


@given(st.sampled_from(OF_STUDIES), st.integers(0, 3), st.integers(0, 40))
def test_a_misspelt_field_of_a_study_is_refused_under_its_path_or_that_of_the_variants_test(
    found: tuple[dict[str, Any], Way], kind: int, place: int,
) -> None:
    study, where = changed(*found, kind, place)
    match found[1]:
        case ("spec", "variants", int(index), "patch", _, *_):
            of_patch = where.partition(".patch.")[2]
            where = f"spec.variants[{index}] ({study['spec']['variants'][index]['name']}): spec.{of_patch}"
    assert any(line.startswith(f"  {where}: ") for line in refusals(study)), (where, refusals(study))


OF_LOADS = [found for found in PLACES if found[1][:2] == ("spec", "load") and len(found[1]) > 2]


@given(st.sampled_from(OF_LOADS), st.integers(0, 3), st.integers(0, 40))
def test_the_load_generator_refuses_it_by_itself_as_well(
    found: tuple[dict[str, Any], Way], kind: int, place: int,
) -> None:
    test, where = changed(*found, kind, place)
    with pytest.raises(ProfileError) as refused:
        parse_profile(test["spec"]["load"])
    mine = where.removeprefix("spec.load.")
    assert any(str(fault).startswith(f"{mine} is not a known field; ") for fault in refused.value.faults)
