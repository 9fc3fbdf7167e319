"""Makes one result of the directories of one run's workers: their records merged, what they add up to, and a page.

One worker alone is a team of one, so N workers and one give the same numbers for the same records. Each file is
replaced whole, and what it was made of goes only when it is there.
"""

import os
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

import orjson
from zstandard import ZstdCompressor, ZstdError

from elastometer_loadgen.base.record import format_instant, parse_instant, parse_record
from elastometer_loadgen.journal.journal import JOURNAL_NAME
from elastometer_loadgen.journal.merge import Dropped, merged
from elastometer_loadgen.journal.spool import PACKED_NAME, RECORDS_NAME
from elastometer_loadgen.results.page import render_page
from elastometer_loadgen.results.series import Series
from elastometer_loadgen.results.summary import SUMMARY_NAME
from elastometer_loadgen.results.totals import Results

PAGE_NAME = "report.html"
LEVEL = 6
COUNTS = ("planned", "sent", "skipped", "unsent", "late")
# Accounts of earlier versions lack them.
NEWER_COUNTS = ("unsentTurns", "cappedUsers")
Document = dict[str, Any]


class PublishError(Exception):
    """Directories that hold no run, or one that cannot be read."""


def publish(directories: Sequence[Path], out: Path) -> Document:
    """Writes requests.jsonl.zst, summary.json and report.html to `out`; the result is the summary."""
    files = [path for directory in directories for path in _records_in(directory)]
    if not files:
        raise PublishError(f"no records in {', '.join(str(directory) for directory in directories)}")
    accounts = [account for directory in directories for account in _accounts_in(directory)]
    try:
        out.mkdir(parents=True, exist_ok=True)
        document = _publish(files, accounts, out)
        if out in directories:
            for name in (RECORDS_NAME, JOURNAL_NAME):
                (out / name).unlink(missing_ok=True)
    except (OSError, ZstdError) as error:
        raise PublishError(f"the records could not be put together: {error}") from error
    return document


def _publish(files: Sequence[Path], accounts: Sequence[Document], out: Path) -> Document:
    dropped, results, series = Dropped(), Results(), None
    compressor = ZstdCompressor(level=LEVEL)
    with _replacing(out / PACKED_NAME) as target, compressor.stream_writer(target, closefd=False) as packed:
        for line in merged(files, dropped, out):
            try:
                record = parse_record(line)
            except ValueError:
                dropped.malformed_lines += 1
                continue
            if series is None:
                series = Series(_start(accounts, record.intended))
            packed.write(line)
            results.add(record)
            series.add(record)
    document = _document(accounts, dropped, results, series or Series(_start(accounts, 0)))
    for name, data in (
        (SUMMARY_NAME, orjson.dumps(document, option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE)),
        (PAGE_NAME, render_page(document).encode()),
    ):
        with _replacing(out / name) as target:
            target.write(data)
    return document


def _document(accounts: Sequence[Document], dropped: Dropped, results: Results, series: Series) -> Document:
    found = results.document(series.start)
    ends = [account["endTime"] for account in accounts]
    knees = [knee for account in accounts for knee in account.get("knees", ())]
    bounds = [account["boundMilliseconds"] for account in accounts]
    return {
        **{name: sum(account[name] for account in accounts) if accounts else None for name in COUNTS},
        **{name: sum(account.get(name, 0) for account in accounts) if accounts else None for name in NEWER_COUNTS},
        "records": found["total"]["requests"],
        "startTime": format_instant(series.start),
        "endTime": max(ends, default=None),
        "fellBehind": any(account["fellBehind"] for account in accounts) if accounts else None,
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
        "generators": [{name: value for name, value in one.items() if name != "checks"} for one in accounts],
    }


def _start(accounts: Iterable[Document], otherwise: int) -> int:
    return min((parse_instant(account["startTime"]) for account in accounts), default=otherwise)


def _records_in(directory: Path) -> list[Path]:
    if not directory.is_dir():
        raise PublishError(f"{directory} must be a directory that `run` or `merge` wrote to")
    return [path for name in (RECORDS_NAME, PACKED_NAME) if (path := directory / name).exists()]


def _accounts_in(directory: Path) -> list[Document]:
    """The workers' own accounts; none of a worker that was killed before its end."""
    path = directory / SUMMARY_NAME
    if not path.exists():
        return []
    try:
        document = orjson.loads(path.read_bytes())
        accounts: list[Document] = document.get("generators", [document])
        for account in accounts:
            parse_instant(account["startTime"])
            missing = [name for name in (*COUNTS, "endTime", "fellBehind", "boundMilliseconds") if name not in account]
            if missing:
                raise PublishError(f"{path} lacks {', '.join(missing)}")
    except (OSError, orjson.JSONDecodeError, AttributeError, KeyError, TypeError, ValueError) as error:
        raise PublishError(f"{path} must be a summary that `run` or `merge` wrote: {error}") from error
    return accounts


@contextmanager
def _replacing(path: Path) -> Iterator[IO[bytes]]:
    """A file that takes the place of `path` when all of it is written."""
    new = path.with_name(f".{path.name}.new")
    try:
        with new.open("wb") as file:
            yield file
        os.replace(new, path)
    finally:
        new.unlink(missing_ok=True)
