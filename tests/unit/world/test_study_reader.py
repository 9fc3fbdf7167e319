"""The directory of a study is read with its runs' reports, and damaged files are refused by name."""
from __future__ import annotations

import json
import tarfile
from pathlib import Path
from typing import Any

import pytest
import zstandard

from elastometer.world.study.reader import BundleError, load_study
from elastometer.world.study.report_reader import read_report

RUN: dict[str, Any] = {"name": "s-queue-1", "variant": "queue", "repetition": 1, "judged": True, "state": "Judged"}


def study(directory: Path, *runs: dict[str, Any], **more: Any) -> Path:
    directory.mkdir(parents=True, exist_ok=True)
    document = {"schemaVersion": 1, "study": {"name": "s", "namespace": "lab", "uid": "u"}, "spec": {},
                "runs": list(runs), **more}
    (directory / "study.json").write_text(json.dumps(document))
    return directory


def record(directory: Path, report: str = '{"verdict": "Pass"}') -> Path:
    directory.mkdir(parents=True)
    (directory / "report.json").write_text(report)
    (directory / "spec.json").write_text('{"spec": {}}')
    return directory


def test_a_judged_run_is_read_from_below_the_study(tmp_path: Path) -> None:
    record(study(tmp_path, RUN) / "runs/s-queue-1")
    found = load_study(tmp_path)
    assert found.runs["s-queue-1"].report == {"verdict": "Pass"}
    assert found.document.names.study == "s"


def test_a_run_may_lie_elsewhere(tmp_path: Path) -> None:
    place = record(tmp_path / "elsewhere")
    found = load_study(study(tmp_path / "study", RUN), {"s-queue-1": place})
    assert list(found.runs) == ["s-queue-1"]


@pytest.mark.parametrize("run", [{**RUN, "state": "NotCarriedOut"}, {**RUN, "state": "Running"}, RUN])
def test_a_run_without_a_report_is_in_the_record_alone(tmp_path: Path, run: dict[str, Any]) -> None:
    found = load_study(study(tmp_path, run))
    assert (len(found.document.runs), found.runs) == (1, {})


@pytest.mark.parametrize("name", ["../other", "..", "/etc", "a/b", "A", ""])
def test_no_name_of_a_run_leads_out_of_the_study(tmp_path: Path, name: str) -> None:
    with pytest.raises(BundleError, match="the name of a run must be a DNS label"):
        load_study(study(tmp_path, {**RUN, "name": name}))


@pytest.mark.parametrize(("content", "said"), [
    ("{", "must be one JSON object"), ("[]", "must be one JSON object"), ('{"schemaVersion": 2}', "must be 1, is 2"),
])
def test_a_damaged_record_is_refused(tmp_path: Path, content: str, said: str) -> None:
    (tmp_path / "study.json").write_text(content)
    with pytest.raises(BundleError, match=said):
        load_study(tmp_path)


def test_a_directory_without_a_record_is_no_study(tmp_path: Path) -> None:
    with pytest.raises(BundleError, match=r"it contains no study\.json"):
        load_study(tmp_path)


def test_a_damaged_report_is_refused_with_its_path(tmp_path: Path) -> None:
    record(study(tmp_path, RUN) / "runs/s-queue-1", report="{")
    with pytest.raises(BundleError, match=r"report\.json must be one JSON object"):
        load_study(tmp_path)


def test_an_archive_that_states_a_report_of_gigabytes_is_refused_before_it_is_read(tmp_path: Path) -> None:
    member = tarfile.TarInfo("demo/report.json")
    member.size = 3 << 30
    (tmp_path / "bomb.tar.zst").write_bytes(zstandard.compress(member.tobuf()))
    with pytest.raises(BundleError, match=r"report\.json must have at most 268435456 bytes, has 3221225472"):
        read_report(tmp_path / "bomb.tar.zst")
