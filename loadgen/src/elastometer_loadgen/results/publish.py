"""Makes one result from the directories of a run's workers: the merged records, their summary, and a page.

A single worker is a team of one, so N workers and one worker give the same numbers for the same records. Each file is
replaced atomically, and its inputs are deleted only after it exists.
"""

import os
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

import orjson
from zstandard import ZstdCompressor, ZstdError

from elastometer_loadgen.base.record import format_instant, parse_instant, parse_record
from elastometer_loadgen.base.rejection import Rejection, RejectionCount, advice
from elastometer_loadgen.journal.fingerprint_file import FINGERPRINTS_NAME, PACKED_FINGERPRINTS_NAME
from elastometer_loadgen.journal.journal import JOURNAL_NAME
from elastometer_loadgen.journal.merge import Dropped, merged
from elastometer_loadgen.journal.spool import PACKED_NAME, RECORDS_NAME
from elastometer_loadgen.results.page import render_page
from elastometer_loadgen.results.series import Series
from elastometer_loadgen.results.summary import SUMMARY_NAME
from elastometer_loadgen.results.totals import Results

PAGE_NAME = "report.html"
COMPRESSION_LEVEL = 6
COUNTS = ("planned", "sent", "skipped", "unsent", "late")
# Summaries of earlier versions do not have them.
NEWER_COUNTS = ("unsentTurns", "cappedUsers")
Document = dict[str, Any]


class PublishError(Exception):
    """Directories that hold no run, or a run that cannot be read."""


def publish(directories: Sequence[Path], out: Path) -> Document:
    """Writes requests.jsonl.zst, summary.json and report.html to `out`; returns the summary."""
    files = [path for directory in directories for path in _records_in(directory)]
    if not files:
        raise PublishError(f"there are no records in {', '.join(str(directory) for directory in directories)}")
    summaries = [summary for directory in directories for summary in _summaries_in(directory)]
    try:
        out.mkdir(parents=True, exist_ok=True)
        document = _publish(files, summaries, out)
        _pack_fingerprints(directories, out)
        # Last of all: after a kill before this point the inputs are still there, and can be merged again.
        if out in directories:
            for name in (RECORDS_NAME, JOURNAL_NAME, FINGERPRINTS_NAME):
                (out / name).unlink(missing_ok=True)
    except (OSError, ZstdError) as error:
        raise PublishError(f"the records could not be merged: {error}") from error
    return document


def _publish(files: Sequence[Path], summaries: Sequence[Document], out: Path) -> Document:
    dropped, results, rejections, series = Dropped(), Results(), RejectionCount(), None
    compressor = ZstdCompressor(level=COMPRESSION_LEVEL)
    with _replacing(out / PACKED_NAME) as target, compressor.stream_writer(target, closefd=False) as packed:
        for line in merged(files, dropped, out):
            try:
                record = parse_record(line)
            except ValueError:
                dropped.malformed_lines += 1
                continue
            if series is None:
                series = Series(_start(summaries, record.intended))
            packed.write(line)
            results.add(record)
            rejections.add(record.outcome, record.status, record.error)
            series.add(record)
    document = {
        "rejection": _rejection(rejections.found(), summaries),
        "warnings": list(dict.fromkeys(warning for one in summaries for warning in one.get("warnings", ()))),
        **_document(summaries, dropped, results, series or Series(_start(summaries, 0))),
    }
    for name, data in (
        (SUMMARY_NAME, orjson.dumps(document, option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE)),
        (PAGE_NAME, render_page(document).encode()),
    ):
        with _replacing(out / name) as target:
            target.write(data)
    return document


def _pack_fingerprints(directories: Sequence[Path], out: Path) -> None:
    """The lines of all workers as one file; none where no worker wrote any."""
    files = [path for directory in directories for name in (FINGERPRINTS_NAME, PACKED_FINGERPRINTS_NAME)
             if (path := directory / name).exists()]
    if files:
        compressor = ZstdCompressor(level=COMPRESSION_LEVEL)
        with _replacing(out / PACKED_FINGERPRINTS_NAME) as target, \
                compressor.stream_writer(target, closefd=False) as packed:
            for line in merged(files, Dropped(), out):
                packed.write(line)


def _document(summaries: Sequence[Document], dropped: Dropped, results: Results, series: Series) -> Document:
    found = results.document(series.start)
    ends = [summary["endTime"] for summary in summaries]
    knees = [knee for summary in summaries for knee in summary.get("knees", ())]
    bounds = [summary["boundMilliseconds"] for summary in summaries]
    return {
        **{name: sum(summary[name] for summary in summaries) if summaries else None for name in COUNTS},
        **{name: sum(summary.get(name, 0) for summary in summaries) if summaries else None for name in NEWER_COUNTS},
        "records": found["total"]["requests"],
        "startTime": format_instant(series.start),
        "endTime": max(ends, default=None),
        "fellBehind": any(summary["fellBehind"] for summary in summaries) if summaries else None,
        "boundMilliseconds": max(bounds, default=None),
        "dropped": {
            "tornLines": dropped.torn_lines,
            "malformedLines": dropped.malformed_lines,
            "duplicateRequests": dropped.duplicate_requests,
        },
        "checks": results.tally.rows(with_rates=True),
        **({"knees": knees} if knees else {}),
        **found,
        "series": series.document(),
        "generators": [{name: value for name, value in worker.items() if name != "checks"} for worker in summaries],
    }


def _rejection(rejection: Rejection | None, summaries: Sequence[Document]) -> Document | None:
    """Why nothing was measured: the first thing that a reader must know; None where any request was served."""
    if rejection is None:
        return None
    url = next((one["url"] for one in summaries if one.get("url")), None)
    said = rejection.sentence(url)
    return {
        "message": said if url is None else f"{said}; {advice(rejection.status, rejection.error, url)}",
        "requests": rejection.requests,
        "statuses": {str(status): count for status, count in rejection.statuses.items()},
    }


def _start(summaries: Iterable[Document], otherwise: int) -> int:
    return min((parse_instant(summary["startTime"]) for summary in summaries), default=otherwise)


def _records_in(directory: Path) -> list[Path]:
    if not directory.is_dir():
        raise PublishError(f"{directory} must be a directory that `run` or `merge` wrote to")
    return [path for name in (RECORDS_NAME, PACKED_NAME) if (path := directory / name).exists()]


def _summaries_in(directory: Path) -> list[Document]:
    """The workers' own summaries; none from a worker that was killed before its end."""
    path = directory / SUMMARY_NAME
    if not path.exists():
        return []
    try:
        document = orjson.loads(path.read_bytes())
        summaries: list[Document] = document.get("generators", [document])
        for summary in summaries:
            parse_instant(summary["startTime"])
            missing = [name for name in (*COUNTS, "endTime", "fellBehind", "boundMilliseconds") if name not in summary]
            if missing:
                raise PublishError(f"{path} lacks {', '.join(missing)}")
    except (OSError, orjson.JSONDecodeError, AttributeError, KeyError, TypeError, ValueError) as error:
        raise PublishError(f"{path} must be a summary that `run` or `merge` wrote: {error}") from error
    return summaries


@contextmanager
def _replacing(path: Path) -> Iterator[IO[bytes]]:
    """A file that takes the place of `path` once it is complete: readers never see half of it."""
    new = path.with_name(f".{path.name}.new")
    try:
        with new.open("wb") as file:
            yield file
        os.replace(new, path)
    finally:
        new.unlink(missing_ok=True)
