"""CPU that an autoscaler can follow: so much per token, really spent."""

import time

from elastometer_standin.burn import burn_cpu
from elastometer_standin.cli import parse
from elastometer_standin.configuration import changed_pace
from elastometer_standin.settings import Pace


def test_tokens_cost_no_cpu_unless_configured() -> None:
    assert parse([], {}).pace.cpu_seconds(1000) == 0


def test_the_cpu_of_a_step_grows_with_its_tokens() -> None:
    pace = parse(["--standin-cpu-ms-per-token=2.5"], {}).pace
    assert pace.cpu_seconds(4) == 0.010
    assert pace == parse([], {"STANDIN_CPU_MS_PER_TOKEN": "2.5"}).pace


def test_the_cpu_per_token_changes_while_the_server_runs() -> None:
    assert changed_pace(Pace(), {"cpu_ms_per_token": 3}).cpu_ms_per_token == 3


def test_burnt_cpu_shows_in_the_cpu_time_of_the_process() -> None:
    before = time.process_time()
    burn_cpu(0.005)
    assert time.process_time() - before >= 0.005


def test_nothing_to_burn_returns_at_once() -> None:
    before = time.thread_time()
    burn_cpu(0.0)
    assert time.thread_time() - before < 0.001
