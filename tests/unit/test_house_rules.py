"""Rules of the house that no linter knows: how long a module and a function may be, and what may not be called what."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
import tomllib
from pathlib import Path
from types import ModuleType

import pytest

from elastometer.model import bundle_files, reasons
from elastometer.model.autoscaler import Cause
from elastometer.model.findings import FindingName, Severity
from elastometer.model.knee import KneeEnding
from elastometer.model.measurements import Direction, Origin
from elastometer.model.milestones import Milestone
from elastometer.model.report import Verdict
from elastometer.model.status import ORDER

ROOT = Path(__file__).parent.parent.parent
SOURCES = sorted(
    path
    for folder in ("operator/src", "loadgen/src", "lab/src", "lab/standin/src")
    for path in (ROOT / folder).rglob("*.py")
)
TESTS = ROOT / "tests"
SUPPORT = sorted((TESTS / "support").rglob("*.py"))
MODULE_LINES = 250
BODY_LINES = 40
TEST_FILE_LINES = 420
ROOM_MODULES = 24
# Rooms with more modules, each of which is flat by nature.
LARGE_ROOMS = {
    "elastometer_lab": "one module for each part of a cluster; no part is large enough for a room",
    "elastometer/model": "the nouns of the operator: each module is one, and all rooms import them",
}
NOT_NAMES = {"utils", "util", "helpers", "helper", "common", "manager", "misc"}


def body_lines(function: ast.FunctionDef | ast.AsyncFunctionDef) -> int:
    """Lines of the body without its docstring."""
    body = function.body[1:] if ast.get_docstring(function) is not None else function.body
    return (function.end_lineno or 0) - body[0].lineno + 1 if body else 0


@pytest.mark.parametrize("path", [*SOURCES, *SUPPORT], ids=lambda path: str(path.relative_to(ROOT)))
def test_a_module_is_short_and_has_short_functions(path: Path) -> None:
    text = path.read_text()
    assert len(text.splitlines()) <= MODULE_LINES
    assert path.stem not in NOT_NAMES
    long = {
        node.name: body_lines(node)
        for node in ast.walk(ast.parse(text))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and body_lines(node) > BODY_LINES
    }
    assert not long


def modules_of_rooms() -> dict[str, int]:
    """Modules that lie side by side in each folder of the packages, `__init__` left out."""
    rooms = {path.parent for path in SOURCES}
    found = {room: sum(path.parent == room and path.stem != "__init__" for path in SOURCES) for room in rooms}
    return {str(room).rpartition("/src/")[2]: count for room, count in found.items()}


def test_no_room_is_crowded_except_those_with_a_reason() -> None:
    crowded = {room for room, count in modules_of_rooms().items() if count > ROOM_MODULES}
    assert crowded <= set(LARGE_ROOMS)


def test_every_room_says_what_it_holds() -> None:
    rooms = {path.parent for path in (*SOURCES, *SUPPORT)}
    assert len(rooms) > 25
    docs = {room: ast.get_docstring(ast.parse((room / "__init__.py").read_text())) or "" for room in rooms}
    assert [str(room.relative_to(ROOT)) for room, doc in docs.items() if len(doc.splitlines()) < 2] == []


def test_no_line_asks_to_be_left_alone_by_a_formatter() -> None:
    mark = "fmt: " + "skip"
    paths = [*SOURCES, *TESTS.rglob("*.py")]
    assert [str(path.relative_to(ROOT)) for path in paths if mark in path.read_text()] == []


def test_a_test_file_is_about_one_thing() -> None:
    lengths = {path: len(path.read_text().splitlines()) for path in TESTS.rglob("test_*.py")}
    assert len(lengths) > 150
    assert {str(path.relative_to(ROOT)): length for path, length in lengths.items() if length > TEST_FILE_LINES} == {}


def test_no_test_file_is_run_or_imported_by_another() -> None:
    imported = r"^\s*(?:from|import) +(?:tests?\.[\w.]*)?(?:test_\w+|conftest)\b"
    pattern = re.compile(imported + r"|\brun" + r"py\b", re.MULTILINE)
    assert [str(path.relative_to(ROOT)) for path in TESTS.rglob("*.py") if pattern.search(path.read_text())] == []


def test_the_operator_needs_nothing_that_only_the_load_generator_brings() -> None:
    """Its image has what the extra `operator` states, nothing else."""
    extras = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["optional-dependencies"]
    names = [{re.split(r"[<>=]", one)[0] for one in extras[extra]} for extra in ("loadgen", "operator")]
    absent = sorted(names[0] - names[1])
    assert absent == ["httptools"]
    code = f"import sys; sys.modules.update(dict.fromkeys({absent})); import elastometer.controller.__main__"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_there_is_something_to_check() -> None:
    assert len(SOURCES) > 100


# Words that also mean something else, which is what they mean where they stand outside of the model.
OTHER_MEANINGS = {
    "Unknown": "the status of a condition, the phase of a Pod",
    "Warning": "the type of an event",
    "Running": "the phase of a Pod",
    "Succeeded": "the phase of a Pod",
    "Disabled": "a policy of an HPA",
    "MetricsSeen": "the kind of an observation",
    "ready": "a field of an EndpointSlice and of a trace",
    "created": "a verb; a slot of the simulator's replica",
    "deleted": "a slot of the simulator's replica",
    "decided": "a field of a replay",
    "Preemptions": "the title of a quantity",
    "workers": "a part of the receiver's URL",
    ".jsonl": "the ending of a trace file",
    ".zst": "the ending of a trace file",
}
# The HPA's model stands alone; tests/unit/model/test_shared_words.py compares its constraints with the causes.
STANDS_ALONE = {"decision.py"}
OPERATOR = ROOT / "operator" / "src" / "elastometer"


def constants(module: ModuleType) -> set[str]:
    return {value for name, value in vars(module).items() if name.isupper() and isinstance(value, str)}


def shared_words() -> set[str]:
    enums = (Cause, FindingName, Severity, KneeEnding, Direction, Origin, Milestone, Verdict, reasons.LoadFlaw)
    return {str(word) for enum in enums for word in enum} | constants(reasons) | set(ORDER) | constants(bundle_files)


def quoted_words(path: Path) -> set[str]:
    """Texts that stand in quotes as a whole: of a module without those within f-strings, of a template all."""
    if path.suffix == ".py":
        nodes = ast.walk(ast.parse(path.read_text()))
        return {node.value for node in nodes if isinstance(node, ast.Constant) and isinstance(node.value, str)}
    return set(re.findall(r"""["']([\w.]+)["']""", path.read_text()))


def test_words_that_rooms_share_are_declared_in_the_model_alone() -> None:
    paths = [path for path in OPERATOR.rglob("*") if path.suffix in (".py", ".j2") and "model" not in path.parts]
    words = shared_words()
    assert len(words) > 100
    assert len(paths) > 150
    found = {path: quoted_words(path) & words for path in paths if path.name not in STANDS_ALONE}
    again = {str(path.relative_to(OPERATOR)): here - set(OTHER_MEANINGS) for path, here in found.items()}
    assert {path: here for path, here in again.items() if here} == {}
    assert set().union(*found.values()) == set(OTHER_MEANINGS)
