"""Capacity and cold starts out of an earlier run."""
from __future__ import annotations

from pathlib import Path

from elastometer.analysis.evidence import gather
from elastometer.cli.exits import CliError, Exit
from elastometer.cli.simulate_inputs import capacity_in_words, starts_in_words
from elastometer.model.errors import SpecError
from elastometer.twin.calibrate import calibrate
from elastometer.twin.planned import Assumed
from elastometer.world.bundle_reader import BundleError, load_bundle


def recorded(path: Path) -> Assumed:
    """What the run of the bundle says of one replica. Raises CliError where it says too little."""
    try:
        bundle = load_bundle(path)
        scenario = calibrate(bundle, gather(bundle)).scenario
    except (BundleError, OSError) as error:
        raise CliError(Exit.SPEC_OR_USAGE, f"--from {error}") from error
    except SpecError as error:
        raise CliError(Exit.SPEC_OR_USAGE, f"--from {path} does not tell what a replica can do:",
                       *(f"  {flaw}" for flaw in error.flaws)) from error
    source = f"fitted to the run {bundle.terms.namespace}/{bundle.terms.test}"
    return Assumed(
        capacity=scenario.capacity, capacity_source=f"{source}: {capacity_in_words(scenario.capacity)}",
        cold_starts=scenario.cold_starts,
        cold_start_source=f"measured in the run {bundle.terms.namespace}/{bundle.terms.test}: "
                          f"{starts_in_words(scenario.cold_starts)}",
        pending_seconds=scenario.pending_seconds, path=scenario.path, resource_path=scenario.resource_path,
    )
