"""What `pip install elastometer` alone gives: every command of a person; the operator's needs are an extra."""
from __future__ import annotations

import ast
import subprocess
import sys
import tomllib
from collections.abc import Iterable, Iterator
from functools import cache
from importlib.metadata import packages_distributions, requires
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).parents[2]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
EXTRAS = PROJECT["optional-dependencies"]
SOURCES = [ROOT / place for place in ("operator/src", "loadgen/src", "lab/standin/src")]
LOAD, STANDIN = "elastometer_loadgen.__main__", "elastometer_standin.__main__"


def name(requirement: str) -> str:
    """The name of the required distribution, in the one way of writing it."""
    return canonicalize_name(Requirement(requirement).name)


def brought(requirements: Iterable[str]) -> set[str]:
    """The distributions that pip installs here for these requirements, with those that they need in turn."""
    waiting, found = list(requirements), set()
    while waiting:
        wanted = Requirement(waiting.pop())
        distribution = canonicalize_name(wanted.name)
        if distribution not in found and (wanted.marker is None or wanted.marker.evaluate({"extra": ""})):
            found.add(distribution)
            waiting += requires(distribution) or ()
    return found


def file_of(module: str) -> Path | None:
    """The source of one of the project's modules; None for one of others, and for a name inside of a module."""
    stems = [source.joinpath(*module.split(".")) for source in SOURCES]
    return next((path for stem in stems for path in (stem.with_suffix(".py"), stem / "__init__.py") if path.is_file()),
                None)


class Running(ast.NodeTransformer):
    """Leaves out what is imported for types only."""

    def visit_If(self, node: ast.If) -> ast.AST | list[ast.stmt]:
        typing = isinstance(node.test, ast.Name) and node.test.id == "TYPE_CHECKING"
        return node.orelse if typing else self.generic_visit(node)


@cache
def imports(path: Path) -> tuple[str, ...]:
    """Every module that a file imports, inside of functions too; of `from a import b` both a and a.b."""
    return tuple(imported(path))


def imported(path: Path) -> Iterator[str]:
    for node in ast.walk(Running().visit(ast.parse(path.read_text()))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.module is not None, f"{path}: a relative import"
            yield node.module
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def reached(roots: Iterable[str]) -> set[str]:
    """Top-level names of all modules of others that these modules import, directly or through the project's own."""
    waiting, seen, foreign = list(roots), set(), set()
    while waiting:
        module = waiting.pop()
        path = file_of(module)
        if module in seen:
            continue
        seen.add(module)
        if path is not None:
            waiting += imports(path)
        elif not module.startswith("elastometer"):
            foreign.add(module.partition(".")[0])
    return foreign - sys.stdlib_module_names


def commands() -> list[str]:
    """All modules of the command line, since it loads a command by its name, and the entries of the other two."""
    base = SOURCES[0]
    paths = (base / "elastometer/cli").rglob("*.py")
    return [*(".".join(path.relative_to(base).with_suffix("").parts) for path in paths), LOAD, STANDIN]


def distributions(modules: Iterable[str]) -> set[str]:
    known = packages_distributions()
    return {name(known[module][0]) for module in modules}


def test_every_command_of_a_person_runs_with_what_the_project_always_brings() -> None:
    needed = distributions(reached(commands()))
    assert {"kubernetes", "polars", "httptools", "uvloop", "pyyaml"} <= needed
    assert needed - brought(PROJECT["dependencies"]) == set()


@pytest.mark.parametrize(("extra", "module"), [
    ("operator", "elastometer.controller.__main__"), ("loadgen", LOAD), ("standin", STANDIN)])
def test_an_image_has_all_that_its_program_imports(extra: str, module: str) -> None:
    """An image is made of its extra alone."""
    assert distributions(reached([module])) - brought(EXTRAS[extra]) == set()


def test_what_a_command_imports_and_an_image_states_is_stated_by_the_project_too() -> None:
    """Not left to be brought by chance, as PyYAML is by the Kubernetes client."""
    stated = {name(one) for extra in ("operator", "loadgen", "standin") for one in EXTRAS[extra]}
    shared = distributions(reached(commands())) & stated
    assert "pyyaml" in shared
    assert shared - {name(one) for one in PROJECT["dependencies"]} == set()


def test_what_is_stated_twice_is_stated_with_the_same_versions() -> None:
    stated = set(PROJECT["dependencies"]).union(*(EXTRAS[extra] for extra in ("operator", "loadgen", "standin")))
    assert len({name(one) for one in stated}) == len(stated)


@pytest.mark.parametrize("module", ["kopf", "prometheus_client"])
def test_without_its_extra_the_operator_says_in_one_sentence_how_to_install_it(module: str) -> None:
    code = f"import sys; sys.modules[{module!r}] = None; import elastometer.controller.__main__"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr == (f"The operator needs the Python module {module}, which is not installed; "
                           "to install it: pip install 'elastometer[operator]'\n")


def test_a_missing_module_of_the_project_itself_is_not_taken_for_a_missing_extra() -> None:
    code = "import sys; sys.modules['elastometer.plan'] = None; import elastometer.controller.__main__"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert "ModuleNotFoundError: import of elastometer.plan halted" in done.stderr
