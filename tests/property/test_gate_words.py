"""Any text after `--gate` is a gate that the API server would accept, or an error in words."""
from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from elastometer.cli.base.exits import CliError
from elastometer.cli.base.kinds import STUDY
from elastometer.cli.base.offline import schema_of
from elastometer.cli.studies.gates import gate_json, gates_from
from elastometer.model.measures import BY_NAME
from elastometer.model.schema import flaws
from elastometer.model.study_parse import parse_study
from support.studies import study_body

LIMITS = st.one_of(
    st.text(max_size=24), st.from_regex(r"[0-9]{1,14}(\.[0-9]{1,8})?%?", fullmatch=True),
    st.floats().map(str), st.integers(-10, 20_000).map(lambda number: f"{number}%"))
TEXTS = st.one_of(st.text(max_size=40), st.tuples(st.sampled_from(sorted(BY_NAME)), LIMITS).map("=".join))


@given(TEXTS)
def test_a_gate_is_one_of_the_crd_and_reads_back_as_it_is_or_is_refused(text: str) -> None:
    gate, refusal = None, ""
    try:
        gate, = gates_from([text])
    except CliError as error:
        refusal = str(error)
    if gate is None:
        assert refusal.startswith("--gate: must")
        return
    document = gate_json(gate)
    assert list(flaws(document, schema_of(STUDY)["properties"]["gates"]["items"], "gate")) == []
    body = study_body({"name": "queue"}, {"name": "cpu"}, gates=[document])
    assert parse_study(body).gates == (gate,)
