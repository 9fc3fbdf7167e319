"""Each wording of a line is read in every release that prints it, and no release is claimed that does not."""
from __future__ import annotations

from itertools import product

import pytest
from tests.support.start_lines import PRINTED, RELEASES, Printed, prints

from elastometer.analysis.starts.enginemark import mark_of
from elastometer.analysis.starts.loglines import plain_line
from elastometer.analysis.starts.wordings import WORDINGS, Wording
from elastometer.model.observation import LogSeen
from elastometer.model.units import SECOND

# As they stand in front of a message: by release, and with and without colours.
PREFIXES = (
    "", "INFO 01-02 10:00:00 llm_engine.py:161] ", "INFO 01-02 10:00:00 [core.py:77] ",
    "(EngineCore_DP0 pid=9) INFO 10-26 21:47:45 [default_loader.py:267] ",
    "\x1b[1;36m(Worker_TP1 pid=34)\x1b[0;0m INFO 10-26 21:47:45 [gpu_worker.py:276] ",
    "\x1b[0;36m(EngineCore pid=9)\x1b[0;0m \x1b[32mINFO\x1b[0m \x1b[90m14:53:12\x1b[0m \x1b[90m[core.py:1]\x1b[0m ",
    '{"process": "(Worker pid=34)", "level": "INFO", "message": "',
    "\rLoading safetensors checkpoint shards: 100% Completed | 4/4 [00:02<00:00,  1.62it/s]INFO [x.py:1] ",
)


@pytest.mark.parametrize("printed", PRINTED, ids=lambda printed: f"{printed.first}-{printed.text[:40]}")
def test_a_line_is_read_alike_behind_every_prefix(printed: Printed) -> None:
    for prefix in PREFIXES:
        mark = mark_of(plain_line(LogSeen(0, "pod", "server", 7, prefix + printed.text)))
        assert mark is not None, prefix
        stated = None if mark.stated is None else mark.stated / SECOND
        assert (mark.milestone, stated, mark.model) == (printed.milestone, printed.took, printed.model), prefix


@pytest.mark.parametrize("wording", WORDINGS, ids=lambda wording: wording.regex.pattern[:40])
def test_every_release_that_a_wording_claims_prints_it_and_no_other(wording: Wording) -> None:
    lines = [printed for printed in PRINTED if wording.regex.search(printed.text)]
    read = {release for release in RELEASES if prints(wording.first, wording.last, release)}
    printed = {release for line, release in product(lines, RELEASES) if prints(line.first, line.last, release)}
    assert read == printed


@pytest.mark.parametrize("text", [
    "INFO:     10.0.0.1:45150 - \"GET /health HTTP/1.1\" 200 OK",
    "Loading safetensors checkpoint shards:  50% Completed | 2/4 [00:01<00:01,  1.62it/s]",
    "[2026-01-01 10:00:00 TP0] Load weight end. elapsed=12.31 s, type=LlamaForCausalLM, avail mem=60.1 GB",
    "[2026-01-01 10:00:00] The server is fired up and ready to roll!",
    "2026-01-01T10:00:00.1Z  INFO text_generation_launcher: Successfully downloaded weights for org/model",
    "It took 0.500000 seconds to fall asleep.", "", "\x1b[0m",
])
def test_other_lines_are_no_milestones(text: str) -> None:
    assert mark_of(plain_line(LogSeen(0, "pod", "server", 7, text))) is None


def test_a_number_that_is_not_read_leaves_the_milestone() -> None:
    mark = mark_of(plain_line(LogSeen(0, "pod", "server", 7, "Loading weights took 5,92 seconds")))
    assert mark is not None
    assert (mark.milestone, mark.stated) == ("weightsLoaded", None)
