"""`up`: brings every part of the lab into the wanted state, in order, and restarts only what has to be restarted."""
from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from elastometer_lab import certificates, cgroups, controlplane, images, namespaces, node, stack
from elastometer_lab.api import Api
from elastometer_lab.component import Component, Outcome, await_health, start_if_needed
from elastometer_lab.controlplane import Plan
from elastometer_lab.errors import LabError
from elastometer_lab.keda import keda_manifests
from elastometer_lab.kubeconfig import SERVER_INSIDE, kubeconfig, write_kubeconfig
from elastometer_lab.lock import claim, exclusive
from elastometer_lab.paths import Paths
from elastometer_lab.prerequisites import ensure_prerequisites
from elastometer_lab.progress import Progress
from elastometer_lab.settings import Settings, load_settings, save_settings
from elastometer_lab.teardown import remove_stale_containers

STACK_SECONDS = 180.0
"""Budget for the stack: starting its images, two sampling periods of metrics-server, and a busy host."""

Definition = Callable[[Plan], Component]


@dataclass(frozen=True, slots=True)
class BringUp:
    """One run of `up`."""

    paths: Paths
    progress: Progress
    chosen: dict[str, Any]

    def run(self) -> None:
        """Do everything, under the host's lock."""
        with exclusive(self.progress):
            with self.progress.step("prerequisites") as step:
                installed = ensure_prerequisites()
                step.outcome = f"installed {', '.join(installed)}" if installed else "all there"
            claim(self.paths)
            settings = self.resolve_settings()
            # The slow part comes before namespaces and processes are made: interrupting it leaves no half-started lab.
            binaries = images.build_programs(self.paths, settings.keda, self.progress)
            with self.progress.step("images") as step:
                ready = images.build_images(self.paths, settings.keda, binaries)
                step.outcome = f"{len(ready)} built or cached"
            plan, cgroup = self.prepare_host(settings, binaries["kube"])
            self.start_components(plan, cgroup, ready)
            self.write_kubeconfigs(plan)
            self.apply_stack(settings)

    def resolve_settings(self) -> Settings:
        """The running lab's settings, overridden by those given now."""
        self.paths.state.mkdir(parents=True, exist_ok=True)
        present = load_settings(self.paths.settings)
        settings = (present or Settings()).merged(self.chosen)
        if present and present.node != settings.node:
            raise LabError(f"The node of this lab is called {present.node}, and Pods are bound to that name: "
                           f"run `down` before `up --name {settings.node}`.")
        save_settings(self.paths.settings, settings)
        return settings

    def prepare_host(self, settings: Settings, kube: Path) -> tuple[Plan, Path]:
        """Make namespaces, certificates and the cgroup, which every component needs."""
        with self.progress.step("network, mounts and certificates") as step:
            made = [namespaces.ensure_network(), namespaces.ensure_mounts(self.paths),
                    certificates.ensure_certificates(self.paths.pki, settings.node)]
            cgroup = cgroups.prepare()
            step.outcome = "made" if any(made) else "unchanged"
        # Without br_netfilter, answers from a Pod on the same bridge bypass kube-proxy's NAT, and a client would see
        # them come from the wrong address: then all Service traffic must be masqueraded.
        masquerade = not namespaces.bridge_traffic_is_filtered()
        return Plan(self.paths, settings, kube, masquerade), cgroup

    def start_components(self, plan: Plan, cgroup: Path, ready: Sequence[images.Built]) -> None:
        """Start all components, in parallel where possible; images are imported while the API server starts."""
        self.start_group("etcd and containerd", plan, cgroup, controlplane.etcd, node.containerd)
        # Importing images needs containerd only, so it goes on while the API server starts.
        server = controlplane.apiserver(plan)
        outcome = start_if_needed(server, self.paths, cgroup)
        with self.progress.step("image import") as step:
            names = images.import_images(self.paths, ready)
            step.outcome = f"{len(names)} new: {', '.join(map(images.short, names))}" if names else "nothing new"
        with self.progress.step("API server") as step:
            step.outcome = outcome
            await_health(server, self.paths)
        # Before the kubelet starts: it would take containers of a previous cluster for Pods of this one.
        stale = remove_stale_containers(self.paths)
        if stale:
            self.progress.say(f"removed {stale} containers of a previous lab")
        self.start_group("controllers, scheduler, node", plan, cgroup, node.kubelet, node.proxy,
                         controlplane.controller_manager, controlplane.scheduler, controlplane.forwarder)
        # The keeper is healthy once it can read the node, which exists only after the kubelet has registered it.
        self.start_group("fake GPUs", plan, cgroup, controlplane.keeper)

    def start_group(self, title: str, plan: Plan, cgroup: Path, *definitions: Definition) -> None:
        """Start several components, and then wait for each."""
        with self.progress.step(title) as step:
            components = [definition(plan) for definition in definitions]
            outcomes = {component.name: start_if_needed(component, self.paths, cgroup) for component in components}
            for component in components:
                await_health(component, self.paths)
            changed = [f"{outcome} {name}" for name, outcome in outcomes.items() if outcome is not Outcome.KEPT]
            step.outcome = ", ".join(changed) or "running"

    def write_kubeconfigs(self, plan: Plan) -> None:
        """Write two kubeconfigs: one for people and tests on the host, one for commands inside the lab's network."""
        server = f"https://127.0.0.1:{plan.settings.port}"
        write_kubeconfig(self.paths.kubeconfig, kubeconfig(server, "admin", self.paths.pki))
        write_kubeconfig(self.paths.config / "inside.kubeconfig", kubeconfig(SERVER_INSIDE, "admin", self.paths.pki))

    def apply_stack(self, settings: Settings) -> None:
        """Apply DNS, metrics, Prometheus and storage, and KEDA where it was asked for, and wait until all work."""
        with self.progress.step("stack") as step:
            api = Api.connect(self.paths.pki)
            keda = keda_manifests(self.paths.cache, self.progress) if settings.keda else ()
            objects = stack.load_stack(stack.MANIFESTS, keda)
            objects = [stack.with_authority(manifest, self.paths.pki) for manifest in objects]
            if settings.keda:
                objects.insert(stack.index_after_namespaces(objects), stack.keda_certificates(self.paths.pki))
            stack.apply_all(api, objects)
            stack.await_stack(api, objects, STACK_SECONDS)
            step.outcome = f"{len(objects)} objects applied, all ready"

