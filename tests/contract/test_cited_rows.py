"""What a bar of a scale-out cites is in the sealed bundle, by the file, the field and the time of the reference."""
from __future__ import annotations

from datetime import datetime
from pathlib import Path

import polars as pl
import pytest

from elastometer.analysis.analyze import judge
from elastometer.model.scaleout_waterfall import Reference
from elastometer.world.bundle_reader import load_bundle
from elastometer.world.bundle_writer import compact
from elastometer.world.run_store import RunStore
from support.synthetic.run import write_run


@pytest.fixture(scope="module")
def sealed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    directory = write_run(tmp_path_factory.mktemp("run"))
    compact(RunStore(directory))
    return directory


def rows_at(table: pl.DataFrame, reference: Reference) -> pl.DataFrame:
    """Rows whose time is the one of the reference, to the microsecond that most of them state."""
    moment = datetime.fromisoformat(reference.time[:26].rstrip("Z") + "+00:00")
    return table.filter(pl.col(reference.key).dt.truncate("1us") == moment)


def test_every_cited_row_is_in_the_columns_of_its_file(sealed: Path):
    tables = {name: pl.read_parquet(sealed / f"{name}.parquet") for name in ("observations", "requests", "series")}
    cited = {row for one in judge(load_bundle(sealed)).scale_outs for bar in one.bars for row in bar.evidence}
    assert {row.file for row in cited} == set(tables)
    for row in cited:
        found = rows_at(tables[row.file], row)
        assert found.height > 0, row
        if row.file == "observations":
            assert row.kind in found["kind"].cast(pl.String).to_list(), row
