"""Every name, label and annotation key that the project writes into a cluster, in one place."""

from __future__ import annotations

from dataclasses import dataclass

GROUP = "elastometer.dev"
VERSION = "v1alpha1"
PLURAL = "elasticitytests"
KIND = "ElasticityTest"
API_VERSION = f"{GROUP}/{VERSION}"
STUDY_KIND = "ElasticityStudy"
STUDY_PLURAL = "elasticitystudies"
MAX_TEST_NAME = 40  # as in the CRD: names of Services, Pods and labels are made of it

TEST_LABEL = f"{GROUP}/test"
# On the runs of a study, beside the owner reference: for people and selectors.
STUDY_LABEL = f"{GROUP}/study"
VARIANT_LABEL = f"{GROUP}/variant"
REPETITION_LABEL = f"{GROUP}/repetition"
COMPONENT_LABEL = "app.kubernetes.io/component"
MANAGED_BY_LABEL = "app.kubernetes.io/managed-by"
SERVER = "server"  # also the container that runs the model server
LOAD = "load"
TOKEN_KEY = "token"
PROFILE_KEY = "profile.yaml"


def server_name(test: str) -> str:
    """The Deployment, the Service and the autoscaler of a test; its Pods begin with it."""
    return f"{test}-{SERVER}"


@dataclass(frozen=True, slots=True)
class Names:
    """The names of one test's children. The CRD limits `test` to 40 characters, so that each of them is a DNS label."""

    namespace: str
    test: str
    uid: str

    @property
    def server(self) -> str:
        """Deployment, Service and autoscaler."""
        return server_name(self.test)

    @property
    def load(self) -> str:
        """Job, its ConfigMap and its Secret."""
        return f"{self.test}-{LOAD}"

    @property
    def files(self) -> str:
        """ConfigMap with the files that the load's profile names."""
        return f"{self.test}-files"

    @property
    def report(self) -> str:
        """ConfigMap with the report."""
        return f"{self.test}-report"

    @property
    def run_directory(self) -> str:
        """Path of the run below the operator's data directory. Part of the uid keeps runs of one name apart."""
        return f"runs/{self.namespace}/{self.test}-{self.uid[:8]}"

    def labels(self, component: str) -> dict[str, str]:
        """Labels of a child; `component` is SERVER or LOAD."""
        return {TEST_LABEL: self.test, COMPONENT_LABEL: component, MANAGED_BY_LABEL: "elastometer"}
