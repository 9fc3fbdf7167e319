"""No file of the project uses a word that support/plain_words.py lists; the failure says what to write instead."""

from __future__ import annotations

from pathlib import Path

import pytest

from support.plain_words import avoided_words

ROOT = Path(__file__).parents[2]
FOLDERS = ("operator", "loadgen", "lab", "charts", "manifests", "docs", "tests", ".ci")
ENDINGS = {"", ".py", ".md", ".yaml", ".yml", ".j2", ".html", ".css", ".js", ".json", ".txt", ".tpl", ".sh", ".go"}
TEMPLATES = {".j2", ".html"}
NOT_OURS = {"__pycache__", "vendor", "node_modules", "build", "dist"}
# What is quoted as it is: the list itself, the history of public names, formats and texts of others, recorded runs, and
# pages of runs, which carry the code of a library.
EXEMPT = (
    "tests/support/plain_words.py",
    "tests/unit/test_plain_words.py",
    "tests/contract/autoscaler_schemas.json",
    "docs/gallery/limits.html",
    "docs/gallery/all-in-one.html",
    "docs/gallery/cloud-autoscale.html",
    "tests/golden/runs",
    "tests/oracle/data",
    "tests/oracle/tables",
    "lab/go/go.sum",
    "lab/go/keda/go.sum",
)


def texts() -> list[Path]:
    """Files of the project that people read or write."""
    found = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", ROOT / "Makefile", ROOT / "pyproject.toml"]
    for folder in FOLDERS:
        for path in (ROOT / folder).rglob("*"):
            name = path.relative_to(ROOT).as_posix()
            if path.suffix in ENDINGS and path.is_file() and not NOT_OURS & set(path.parts):
                found += [] if name.startswith(EXEMPT) or path.name == "LICENSE" else [path]
    return found


TEXTS = texts()


def places_in(path: Path) -> list[str]:
    """As `path:line: word -> what to write instead`."""
    found = avoided_words(path.read_text(), template=path.suffix in TEMPLATES)
    return [f"{path.relative_to(ROOT)}:{place}" for place in found]


@pytest.mark.parametrize("folder", sorted({path.relative_to(ROOT).parts[0] for path in TEXTS}))
def test_no_file_uses_a_word_that_has_a_plainer_one(folder: str) -> None:
    paths = [path for path in TEXTS if path.relative_to(ROOT).parts[0] == folder]
    found = [place for path in paths for place in places_in(path)]
    assert not found, "\n".join(["write what stands behind the arrow:", *found])


def test_there_are_files_of_all_folders_to_search() -> None:
    assert len(TEXTS) > 600


@pytest.mark.parametrize(("text", "places"), [
    ("it is told\nwhat to do", ["1: told"]),
    ("a = 1\ntold_at = 2", ["2: told"]),
    ("class ToldRun:", ["1: Told"]),
    ("an HTTPTold", ["1: Told"]),
    ("it goes on for\n    # ever", ["1: for ever"]),
    ("if value is None: # this is none", ["1: is none"]),
    ("def test_it_is_none()", []),
    ("None when there is none", []),
    ('earlier versions wrote "untold"', []),
    ("atoll, hero, this, upon_it", ["1: upon"]),
])
def test_a_word_is_found_in_sentences_and_in_names(text: str, places: list[str]) -> None:
    assert [place.partition(" -> ")[0] for place in avoided_words(text)] == places
