"""`--from BUNDLE`: capacity and cold starts, fitted to an earlier run."""
from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

from elastometer.analysis.run import derive_run
from elastometer.cli.base.exits import CliError, Exit
from elastometer.model.bundle import Bundle
from elastometer.model.document import document_at
from elastometer.model.errors import SpecError
from elastometer.model.server_flags import server_flags
from elastometer.plan import TestPlan
from elastometer.twin.fit.calibrate import calibrate
from elastometer.twin.forecast.planned import Assumed
from elastometer.twin.scenario import Controller, HpaController, KedaController
from elastometer.world.bundle_reader import BundleError, load_bundle
from elastometer_serverflags.words import UNKNOWN


def recorded(path: Path, plan: TestPlan) -> Assumed:
    """What the recorded run shows about one replica. Raises CliError if it shows too little."""
    try:
        bundle = load_bundle(path)
        scenario = calibrate(derive_run(bundle)).scenario
    except (BundleError, OSError) as error:
        raise CliError(Exit.SPEC_OR_USAGE, f"--from {error}") from error
    except SpecError as error:
        raise CliError(Exit.SPEC_OR_USAGE, f"--from {path} does not show what a replica can do:",
                       *(f"  {flaw}" for flaw in error.flaws)) from error
    run = f"the run {bundle.terms.namespace}/{bundle.terms.test}"
    return Assumed(
        capacity=scenario.capacity, capacity_source=f"fitted to {run}",
        cold_starts=scenario.cold_starts, cold_start_source=f"measured in {run}",
        pending_seconds=scenario.pending_seconds, path=scenario.path, resource_path=scenario.resource_path,
        sync_seconds=_sync_phase_seconds(scenario.controller),
        notes=tuple(_differences(bundle, plan)), namespace=bundle.terms.namespace,
    )


def _sync_phase_seconds(controller: Controller) -> float | None:
    """The phase of the autoscaler's syncs relative to the load, which is about the same in every run of one operator:
    it waits for a sync and then starts the load."""
    match controller:
        case KedaController():
            return controller.hpa.phase_seconds
        case HpaController():
            return controller.phase_seconds
    return None


def _differences(bundle: Bundle, plan: TestPlan) -> Iterator[str]:
    """How the recorded server differs from the test's: its numbers may then not apply."""
    server, seen = plan.spec.server, document_at(bundle.spec, "spec", "target")
    args, wanted = server_flags(seen).reading.evened(), server.flags.reading.evened()
    compared = [("model's name", bundle.terms.model, server.model), ("image's name", bundle.terms.image, server.image),
             ("argument list", _without(args, wanted), _without(wanted, args))]
    for name, then, now in compared:
        if then is not None and then != now:
            yield f"the server behaves like the recorded one although its {name} differs (then: {then}; now: {now})"


def _without(args: Sequence[str], others: Sequence[str]) -> str:
    """Arguments that only one server has. One whose value was redacted from the bundle cannot be compared."""
    redacted = {arg.partition("=")[0] for arg in (*args, *others) if UNKNOWN in arg}
    return " ".join(arg for arg in args if arg not in others and arg.partition("=")[0] not in redacted) or "–"
