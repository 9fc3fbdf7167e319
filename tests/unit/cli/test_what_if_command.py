"""`elastometer what-if` from a recorded run to its files, without a cluster; what it refuses, and how it says so."""
from __future__ import annotations

import json
import re
import shutil
from collections.abc import Callable
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest
import yaml

from elastometer.cli.main import main
from support.synthetic.run import write_run
from support.what_if_worlds import HPA, KEDA_HPA, METRIC, SCALED_OBJECT, TARGET

HERE = Path(__file__).parents[1]
Run = Callable[..., tuple[int, str, str]]


def give_autoscaler(directory: Path, **provenance: Any) -> Path:
    """What the made-up run leaves out: the autoscaler as served."""
    path = directory / "provenance.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), **provenance}))
    return directory


@pytest.fixture(scope="module")
def bundle(tmp_path_factory: pytest.TempPathFactory) -> Path:
    spec = {"scaleTargetRef": TARGET, "minReplicas": 1, "maxReplicas": 4, "metrics": [METRIC]}
    served = {**HPA, "metadata": {"name": "demo-server", "namespace": "team-a", "uid": "hpa-1"}, "spec": spec}
    return give_autoscaler(write_run(tmp_path_factory.mktemp("run")), autoscaler=served,
                           kubernetes={"gitVersion": "v1.35.4"})


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str]) -> Run:
    def call(*words: object) -> tuple[int, str, str]:
        code = main(["what-if", *map(str, words)])
        seen = capsys.readouterr()
        return code, seen.out, seen.err
    return call


def test_the_twin_s_own_error_comes_before_anything_predicted(run: Run, bundle: Path):
    code, out, _ = run(bundle, "--jobs", 1)
    assert code == 0
    first = " ".join(out.partition("\n\n")[0].split())
    assert re.search(r"off by \d+\.\d % on this run \(\d+\.\d–\d+\.\d % over 15 random draws\)", first)
    assert out.index("prediction error on the recorded run itself") < out.index("scorecard")
    assert "Error of Ready replicas, area" in out
    assert "--max-num-seqs=4" in out
    assert "cold-start cliff (predicted)" in out
    assert re.search(r"smallest minReplicas .*; holds in \d of 9 held-out draws\)", " ".join(out.split()))
    assert "apiVersion" not in out


def test_a_setting_stands_beside_what_was_recorded(run: Run, bundle: Path):
    code, out, _ = run(bundle, "--jobs", 1, "--set", "minReplicas=3", "--set", "coldStart.scale=0.5")
    assert code == 0
    head = next(line for line in out.splitlines() if "recorded, measured" in line)
    assert re.split(r"  +", head.strip()) == \
        ["recorded, measured", "recorded, predicted", "with --set, predicted", "difference"]
    assert "# Assumed: coldStart.scale=0.5; no manifest of the autoscaler can set this." in out
    document = yaml.safe_load("\n".join(out.splitlines()[out.splitlines().index("apiVersion: autoscaling/v2"):]))
    assert document["spec"]["minReplicas"] == 3


def test_every_predicted_figure_stands_beside_its_range_over_the_draws(run: Run, bundle: Path):
    options = ("--jobs", 1, "--set", "minReplicas=3", "--objective",
               "{indicator: TimeToFirstToken, percentile: 95, maximumMilliseconds: 500}")
    code, text, _ = run(bundle, *options, "--output", "json")
    assert code == 0
    found = json.loads(text)
    for name in ("recorded", "variant"):
        card, interval, draws = (found[name][key] for key in ("card", "interval", "draws"))
        assert len(draws) == interval["draws"]
        for figure in ("missSeconds", "scaleOuts", "scaleIns", "peakReady", "notServed"):
            values = [draw[figure] for draw in draws]
            assert interval[figure] == [min(values), max(values)]
            assert min(values) <= card[figure] <= max(values)
        low, high = interval["objectives"][0]
        assert low <= card["objectives"][0]["measured"] <= high
    code, text, _ = run(bundle, *options)
    table = text.partition("scorecard\n")[2].partition("predicted: median")[0]
    rows = [line for line in table.splitlines() if re.match(r"  [A-Z].* seconds|  Scale|  Peak|  Requests", line)]
    assert len(rows) == 6
    for row in rows:
        assert len(re.findall(r"\d \([\d,.]+–[\d,.]+\)", row)) == 2, row


def test_a_search_writes_its_files_and_the_same_ones_on_any_number_of_cores(run: Run, bundle: Path, tmp_path: Path):
    found = []
    for jobs in (1, 2):
        out = tmp_path / str(jobs)
        code, text, progress = run(bundle, "--jobs", jobs, "--search", "--candidates", 90, "--seed", 3, "--out", out,
                                   "--patch", out / "patch.yaml")
        assert code == 0
        assert "chosen:" in text
        held_out = "median (lowest–highest) of 9 held-out draws, which were not used to choose anything"
        assert held_out in " ".join(text.split())
        assert "candidates 90/90" in progress
        found.append({path.name: path.read_bytes() for path in sorted(out.iterdir())})
    assert list(found[0]) == ["patch.yaml", "what-if.html", "what-if.json", "what-if.md"]
    assert found[0] == found[1]
    document = yaml.safe_load(found[0]["patch.yaml"])
    assert (document["kind"], document["metadata"]["namespace"]) == ("HorizontalPodAutoscaler", "team-a")
    assert "kubectl apply -f patch.yaml" in found[0]["patch.yaml"].decode()


def test_the_json_has_everything_and_says_that_it_is_predicted(run: Run, bundle: Path):
    code, out, _ = run(bundle, "--jobs", 1, "--search", "--candidates", 20, "--pick", 1, "--output", "json")
    assert code == 0
    document = json.loads(out)
    assert document["schemaVersion"] == "elastometer.dev/what-if/v1alpha1"
    assert document["predicted"] is True
    assert len(document["searched"]["dots"]) == document["searched"]["tried"] - document["searched"]["refused"]
    assert document["searched"]["why"] == "picked by --pick 1"
    assert document["searched"]["front"][0]["interval"]["draws"] >= 5
    assert {one["name"] for one in document["calibration"]["fitted"]} >= {"slots", "cold start", "sync period"}
    assert document["cliffs"][0][0] == "recorded settings"
    assert document["predictionError"]["typical"]["readyPercent"] >= 0


def copy_of(bundle: Path, directory: Path) -> Path:
    shutil.copytree(bundle, directory)
    return directory


class Page(HTMLParser):
    """Elements, and whatever could load or run something."""

    def __init__(self) -> None:
        super().__init__()
        self.names: list[str] = []
        self.loads: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.names.append(tag)
        self.loads += [f"{name}={value}" for name, value in attrs
                       if name.startswith("on") or name in ("src", "srcset", "action", "formaction")
                       or (name == "href" and not (value or "").startswith("#"))]


def test_the_page_loads_nothing_and_marks_what_is_predicted(run: Run, bundle: Path, tmp_path: Path):
    run(bundle, "--jobs", 1, "--search", "--candidates", 40, "--out", tmp_path)
    text = (tmp_path / "what-if.html").read_text()
    page = Page()
    page.feed(text)
    assert page.loads == []
    assert not re.search(r"@import|url\((?!#)", text.split("</style>")[0])
    assert page.names.count("svg") == 2
    assert page.names.count("circle") > 20
    assert page.names.count("script") == 3
    assert "Predicted, not measured." in text
    assert re.search(r"Longest cold start .*?>at which all hold; in 4 other random draws ", text)
    # Every section but the two about what was measured carries the mark.
    assert text.count('class="tag">predicted<') >= 10
    policy = re.search(r'Content-Security-Policy" content="([^"]+)"', text)
    assert policy is not None
    assert "default-src 'none'" in policy[1]
    assert "unsafe" not in policy[1]


def test_hostile_names_add_no_element_to_the_page(run: Run, bundle: Path, tmp_path: Path):
    hostile = "</script><img src=x onerror=alert(1)>{{ 7*7 }}"
    copied = copy_of(bundle, tmp_path / "run")
    spec = json.loads((copied / "spec.json").read_text())
    spec["spec"]["objectives"][0]["name"] = hostile
    spec["spec"]["target"]["model"]["name"] = hostile
    (copied / "spec.json").write_text(json.dumps(spec))
    pages = []
    for number, source in enumerate((bundle, copied)):
        out = tmp_path / str(number)
        assert run(source, "--jobs", 1, "--set", "minReplicas=2", "--out", out)[0] == 0
        page = Page()
        page.feed((out / "what-if.html").read_text())
        pages.append(page)
    assert sorted(pages[0].names) == sorted(pages[1].names)
    assert pages[1].loads == []


def test_one_run_is_compared_with_another(run: Run, bundle: Path):
    code, out, _ = run(bundle, "--compare", bundle, "--output", "json")
    assert code == 0
    found = json.loads(out)
    assert found["apartPercent"] == 0.0
    assert len(found["pairings"]) == 4
    assert {one["respect"] for one in found["rankings"]} == {"objective-miss seconds", "Ready replica-seconds"}
    code, out, _ = run(bundle, "--compare", bundle)
    assert code == 0
    assert "the two measured runs are 0.0 % apart" in out


def test_runs_under_other_settings_are_predicted_from_each_other(run: Run, bundle: Path, tmp_path: Path):
    """The record is the same, so the measured runs are; only what was set is another, and the predictions show it."""
    other = copy_of(bundle, tmp_path / "other")
    served = json.loads((other / "provenance.json").read_text())["autoscaler"]
    served["spec"]["maxReplicas"] = 2
    give_autoscaler(other, autoscaler=served)
    code, out, _ = run(bundle, "--compare", other, "--output", "json")
    assert code == 0
    most = {(one["by"], one["of"]): max(draw["predicted"]["replicaSeconds"] for draw in one["found"]["draws"])
            for one in json.loads(out)["pairings"]}
    mine, its = bundle.name, other.name
    assert most[(mine, mine)] == most[(its, mine)] > most[(mine, its)] == most[(its, its)]


def test_runs_that_do_not_belong_together_are_not_compared(run: Run, bundle: Path, tmp_path: Path):
    longer, keda = (copy_of(bundle, tmp_path / name) for name in ("longer", "keda"))
    spec = json.loads((longer / "spec.json").read_text())
    spec["spec"]["load"]["stages"][1]["durationSeconds"] = 61
    (longer / "spec.json").write_text(json.dumps(spec))
    code, _, err = run(bundle, "--compare", longer)
    assert code == 2
    assert f"  load.stages: must be the same in both runs, differ between {bundle.name} and longer" in err
    spec["spec"]["autoscaler"] = {"type": "ScaledObject", "scaledObject": {"minReplicaCount": 1, "maxReplicaCount": 4}}
    (keda / "spec.json").write_text(json.dumps(spec))
    give_autoscaler(keda, scaledObject=SCALED_OBJECT,
                    autoscaler={**HPA, "spec": KEDA_HPA})
    code, _, err = run(bundle, "--compare", keda)
    assert code == 2
    assert f"  autoscaler: must be of one kind in both runs, is HorizontalPodAutoscaler in {bundle.name}" in err


def test_other_objectives_can_be_asked_about(run: Run, bundle: Path):
    strict = "{name: strict, indicator: TimeToFirstToken, percentile: 100, maximumMilliseconds: 1}"
    code, out, _ = run(bundle, "--jobs", 1, "--objective", strict)
    assert code == 0
    assert "strict: TTFT p100 ≤ 1 ms" in " ".join(out.split())
    assert "first-token-plateau" not in out
    assert "no cliff: objectives are missed even at 0 s (strict)" in out
    assert "no minReplicas up to 4 holds all objectives" in out


def test_without_objectives_nothing_is_said_to_hold(run: Run, bundle: Path, tmp_path: Path):
    copied = copy_of(bundle, tmp_path / "run")
    spec = json.loads((copied / "spec.json").read_text())
    spec["spec"]["objectives"] = []
    (copied / "spec.json").write_text(json.dumps(spec))
    code, out, _ = run(copied, "--jobs", 1, "--set", "minReplicas=2", "--out", tmp_path / "out")
    assert code == 0
    assert "no objectives, so there is no cliff" in out
    assert "holds all" not in out
    assert "No objectives to hold" in (tmp_path / "out" / "what-if.html").read_text()
    code, _, err = run(copied, "--search")
    assert code == 2
    assert "  spec.objectives: must hold at least one objective for a search to rank by, is empty" in err


REFUSED = {
    ("--set", "minReplicas"): "--set: must be path=value, as in minReplicas=2, is 'minReplicas'",
    ("--set", "minReplicas=[2"): "minReplicas: must have a YAML value, is '[2': ",
    ("--set", "minReplica=2"):
        "  minReplica: must be a field of the HorizontalPodAutoscaler's spec or a setting of the simulator, is unknown "
        "(value 2); similar: minReplicas, maxReplicas, keda.minReplicaCount",
    ("--set", "minReplicas=9"): "  spec.maxReplicas: must be at least minReplicas (9), is 4",
    ("--pick", 2): "--pick: must come with --search, is 2",
    ("--search", "--candidates", 3, "--pick", 99): "  --pick: must be from 1 to ",
    ("--search", "--candidates", 0): "--candidates: must be from 1 to 100000, is 0",
    ("--jobs", 0): "--jobs: must be from 1 to 1024, is 0",
    ("--patch", "x.yaml"): "--patch: must come with --set or --search, is x.yaml",
    ("--search", "--cold-start-scales", "fast"): "--cold-start-scales: must be numbers from 0 to 1000, separated "
                                                 "by commas, is 'fast'",
    ("--set", "metric=kvCache", "--set", "target=0.5"):
        "  capacity.kvTokens: must be known if an autoscaler scales on the KV cache, is absent",
    ("--objective", "{indicator: Speed}"):
        "--objective: indicator must be one of TimeToFirstToken, TimePerOutputToken, RequestLatency, ScaleOutLag, "
        "ColdStart, RequestSuccess, is '{indicator: Speed}'",
    ("--objective", "{indicator: ColdStart}"): "--objective: maximumMilliseconds must be a whole number of at least 1, "
                                               "is '{indicator: ColdStart}'",
    ("--objective", "{indicator: ColdStart, maximumMilliseconds: 5, stageName: noon}"):
        "--objective: stageName must be one of calm, ramp, plateau, drop, is",
    ("--objective", "{indicator: RequestLatency, statistic: Mean, percentile: 95, maximumMilliseconds: 5}"):
        "--objective: percentile must be absent where statistic is Mean, is",
    ("--objective", "{indicator: RequestSuccess, statistic: Mean, minimumPercent: '99.8'}"):
        "--objective: statistic must be absent for a share, is",
    ("--objective", "{indicator: RequestSuccess, minimumPercent: '199.8'}"):
        "--objective: minimumPercent must be a whole number from 0 to 100, or a decimal string, is",
    ("--objective", "fast"): "--objective: must be an entry of spec.objectives with name, indicator, statistic, "
                             "percentile, maximumMilliseconds, minimumPercent, stageName, taskName, is 'fast'",
    ("--objective", "{indicator: ColdStart, maximumMillisecond: 5}"):
        "--objective: maximumMillisecond is not a known field; did you mean maximumMilliseconds?, is '{indicator",
    ("--objective", "{indicator: ColdStart, indicator: TimeToFirstToken}"):
        "--objective: must be YAML ('indicator' is given twice at line 1, column 24), is '{indicator",
    ("--set", "behavior={scaleUp: {}, scaleUp: {}}"):
        "behavior: must have a YAML value, is '{scaleUp: {}, scaleUp: {}}': 'scaleUp' is given twice at line 1",
    ("--set", "foo.bar=1"): "  foo.bar: must be a field of the HorizontalPodAutoscaler's spec or a setting of the "
                            "simulator, is unknown (value 1); paths begin with minReplicas, maxReplicas, target, ",
    ("--compare", "nowhere", "--search"): "--compare: cannot be combined with --set, --search or --out",
}


@pytest.mark.parametrize("words", REFUSED, ids=lambda words: " ".join(map(str, words)))
def test_a_wrong_option_is_refused_with_its_rule_and_value(run: Run, bundle: Path, words: tuple[object, ...]):
    code, out, err = run(bundle, "--jobs", 1, *words)
    assert code == 2
    assert out == ""
    assert any(line.startswith(REFUSED[words]) for line in err.splitlines()), err


def test_a_bundle_that_cannot_answer_says_what_it_lacks(run: Run, tmp_path: Path):
    bare = write_run(tmp_path / "bare")
    code, _, err = run(bare)
    assert code == 2
    assert err.splitlines()[0] == f"{bare}: this question cannot be answered:"
    assert err.splitlines()[1].startswith("  provenance.autoscaler: must hold the HorizontalPodAutoscaler as served")
    code, _, err = run(tmp_path / "nowhere")
    assert code == 2
    assert "nowhere" in err


def test_another_kind_of_autoscaler_has_no_manifest_and_says_why(run: Run, bundle: Path, tmp_path: Path):
    options = ("--jobs", 1, "--set", "autoscaler=KPA", "--set", "kpa.target=3")
    code, out, _ = run(bundle, *options)
    assert code == 0
    assert "no patch: the settings need another kind of autoscaler than the recorded one" in out
    code, _, err = run(bundle, *options, "--patch", tmp_path / "p.yaml")
    assert code == 2
    assert err.startswith("--patch: cannot be written: the settings need another kind of autoscaler")


def test_another_balancing_is_predicted_and_its_patch_says_what_sets_it(run: Run, bundle: Path):
    code, out, _ = run(bundle, "--jobs", 1, "--set", "balancing=LeastInFlight")
    assert code == 0
    assert "# Assumed: balancing=LeastInFlight; no manifest of the autoscaler can set this." in out
    assert "`load.connection.policy: SpreadOverPods`" in " ".join(out.replace("#", "").split())
    code, _, error = run(bundle, "--set", "balancing=RoundRobin")
    assert code == 2
    assert "balancing: must be one of Uniform, ByConnection, LeastInFlight, is 'RoundRobin'" in error
    code, _, error = run(bundle, "--balancing")
    assert code == 2
    assert "--balancing: must come with --search" in error
