"""Which arguments a server gets from the command and the arguments of its container."""

from __future__ import annotations

import pytest

from elastometer_serverflags.command import server_arguments
from elastometer_serverflags.words import UNKNOWN, Variables, Word

VARIABLES = Variables({"SLOTS": "4", "MORE": "--enforce-eager --seed 1", "HIDDEN": None, "EMPTY": ""})


def found(command: list[str], *args: str, variables: Variables = VARIABLES) -> tuple[list[str], str | None]:
    """The texts of the arguments, and the doubt."""
    words = [[Word(text, f"{name}[{index}]") for index, text in enumerate(texts)]
             for name, texts in (("command", command), ("args", list(args)))]
    result = server_arguments(words[0], words[1], variables)
    return [word.text for word in result.words], result.doubt


@pytest.mark.parametrize("command", [
    [], ["vllm", "serve"], ["/usr/local/bin/vllm", "serve"], ["python3", "-m", "vllm.entrypoints.openai.api_server"],
    ["tini", "--", "vllm", "serve"], ["elastometer-standin"], ["python3", "-m", "elastometer_standin", "serve"],
    ["numactl", "--interleave=all", "vllm", "serve"], ["sh", "-c", 'exec vllm serve "$@"', "--"],
    ["bash", "-lc", '. /venv/bin/activate && exec vllm serve "$0" "$@"'], ["sh", "-c", 'vllm serve ${1} $2', "sh"],
])
def test_a_program_that_starts_the_server_hands_it_the_arguments(command: list[str]) -> None:
    assert found(command, "m", "--max-num-seqs=4") == (["m", "--max-num-seqs=4"], None)


@pytest.mark.parametrize(("script", "args"), [
    ("exec vllm serve m --max_num_seqs=4", ["m", "--max_num_seqs=4"]),
    ("set -e\n# four slots\nvllm serve m \\\n  --max-num-seqs 4 2>&1 | tee /tmp/log", ["m", "--max-num-seqs", "4"]),
    ("sleep 3; vllm serve 'a b' --max-num-seqs=\"4\" > /dev/null &", ["a b", "--max-num-seqs=4"]),
    ("vllm serve m --max-num-seqs $SLOTS", ["m", "--max-num-seqs", "4"]),
    ('vllm serve m --max-num-seqs="${SLOTS}"', ["m", "--max-num-seqs=4"]),
    ("vllm serve m --max-num-seqs=${OTHER:-8}", ["m", "--max-num-seqs=8"]),
    ("N=2\nexport P=1; vllm serve m --max-num-seqs $N", ["m", "--max-num-seqs", "2"]),
    ("VLLM_USE_V1=1 vllm serve m $MORE", ["m", "--enforce-eager", "--seed", "1"]),
    ("vllm serve m --chat-template '{{ $x }}'", ["m", "--chat-template", "{{ $x }}"]),
    ("vllm serve m --max-num-seqs=$(SLOTS)", ["m", "--max-num-seqs=4"]),
    ("cd /app && python -m vllm.entrypoints.openai.api_server --model m", ["--model", "m"]),
    ("vllm serve m --max-num-seqs=$(nproc --all) --port=1", ["m", f"--max-num-seqs={UNKNOWN}", "--port=1"]),
    ("vllm serve m --max-num-seqs \"`nproc`\" '`$(x)'", ["m", "--max-num-seqs", UNKNOWN, "`$(x)"]),
    ("(vllm serve m) && echo $((1 + 2))", ["m"]),
    ("vllm serve m --max-num-seqs $HIDDEN", ["m", "--max-num-seqs", UNKNOWN]),
])
def test_a_script_is_read_as_far_as_it_can_be_known(script: str, args: list[str]) -> None:
    assert found(["/bin/bash", "-ec", script], "ignored") == (args, None)


@pytest.mark.parametrize(("command", "doubt"), [
    (["sh", "/scripts/start.sh"], "command[0]: runs a script, which cannot be read"),
    (["sh", "-c", "/start.sh"], "command[2]: is a script that starts no known server"),
    (["sh", "-c", "vllm serve a || vllm serve b"],
     "command[2]: is a script that starts a server in more than one place"),
    (["sh", "-c", "vllm serve 'a"], "command[2]: is a script that cannot be read"),
    (["sh", "-c", "vllm serve a $HIDDEN"], "command[2]: has a variable whose value is not known, and may add flags"),
    (["/entrypoint.sh"], "command[0]: runs /entrypoint.sh, which may add flags"),
    (["vllm", "serve", "--config", "/etc/f.yaml"],
     "command[2]: names a file of further flags, which cannot be read"),
])
def test_where_flags_may_be_that_cannot_be_read_the_place_is_named(command: list[str], doubt: str) -> None:
    assert found(command, "m", "--port=8000")[1] == doubt


def test_the_kubelet_replaces_variables_and_leaves_those_that_are_not_set() -> None:
    args = ["m", "--max-num-seqs=$(SLOTS)", "--seed=$$(SLOTS)", "--revision=$(NONE)", "--dtype=$(HIDDEN)"]
    assert found([], *args)[0] == [
        "m", "--max-num-seqs=4", "--seed=$(SLOTS)", "--revision=$(NONE)", f"--dtype={UNKNOWN}"]
    assert found([], "--revision=$(NONE)", variables=Variables({}, has_others=True))[0] == [f"--revision={UNKNOWN}"]
