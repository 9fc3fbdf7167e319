"""What tests of several rooms share: the demo sample as the API server would serve it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import HealthCheck, settings

from elastometer.model.spec import parse
from elastometer.plan import Environment, TestPlan

ROOT = Path(__file__).parent.parent
# Asserts in there fail with their values, as those of tests do.
pytest.register_assert_rewrite("support")
pytest_plugins = ("support.unchecked",)
# How fast examples are drawn is the machine's, which may be busy, and no claim of a test.
settings.register_profile("elastometer", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("elastometer")


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--cluster", default="lab", choices=["lab", "kind", "current"], help="where tests marked lab run")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Tests that take the operator or the lab away come last, whatever their files are called."""
    order = (None, "operator", "lab")

    def wrecked(item: pytest.Item) -> int:
        marker = item.get_closest_marker("wrecks")
        return order.index(marker.args[0] if marker else None)

    items.sort(key=wrecked)


@pytest.fixture(scope="session")
def root() -> Path:
    """The checkout."""
    return ROOT


@pytest.fixture
def demo_body() -> dict[str, Any]:
    """The demo sample with the metadata that the API server adds; a copy, to be changed at will."""
    body: dict[str, Any] = yaml.safe_load((ROOT / "manifests/samples/demo.yaml").read_text())
    body["metadata"].update(namespace="staging", uid="0a1b2c3d-0000-4000-8000-000000000001", generation=1)
    return body


@pytest.fixture
def environment() -> Environment:
    """An installation of the operator."""
    return Environment(
        "elastometer",
        "elastometer",
        "http://elastometer.elastometer.svc:8081",
        8081,
        "http://prometheus.monitoring:9090",
        "load:1",
    )


@pytest.fixture
def plan(demo_body: dict[str, Any], environment: Environment) -> TestPlan:
    """The demo, planned."""
    return TestPlan(parse(demo_body), environment)
