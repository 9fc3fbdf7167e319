"""The few calls that the commands make to an API server. Every answer is plain JSON; no decision is made here."""
from __future__ import annotations

import base64
from collections.abc import Callable, Iterator
from typing import Any, TypeAlias, TypeVar, cast
from urllib.parse import quote

import orjson
import yaml
from kubernetes import client, config
from kubernetes.client.exceptions import ApiException
from tenacity import Retrying, retry_if_exception, stop_after_delay, wait_random_exponential

from elastometer.cli.base.exits import CliError, Exit
from elastometer.cli.base.kinds import TEST, Kind
from elastometer.cli.cluster.api_errors import is_kind_missing, is_transient
from elastometer.model.names import GROUP, TOKEN_KEY, VERSION
from elastometer_loadgen.base.secret import TOKEN_HEADER

Json: TypeAlias = dict[str, Any]
T = TypeVar("T")
CONNECT_SECONDS, READ_SECONDS = 10.0, 60.0
# An API server that restarts, or a control plane that fails over, is back within a minute.
RETRY_SECONDS = 60.0


def retrying(call: Callable[[], T]) -> T:
    """The call's result; transient failures are retried for RETRY_SECONDS, then the last one is raised."""
    attempts = Retrying(
        stop=stop_after_delay(RETRY_SECONDS), wait=wait_random_exponential(multiplier=0.5, max=8),
        retry=retry_if_exception(is_transient), reraise=True,
    )
    return attempts(call)


class ClusterClient:
    """One API server with one set of credentials: the objects of one kind in one namespace."""

    def __init__(self, api: client.ApiClient, namespace: str, kind: Kind = TEST) -> None:
        self._api = api
        self._objects = client.CustomObjectsApi(api)
        self._core = client.CoreV1Api(api)
        self.namespace = namespace
        self.kind = kind
        self._place = (GROUP, VERSION, namespace, kind.plural)

    @property
    def host(self) -> str:
        """URL of the API server, for messages."""
        return str(self._api.configuration.host)

    def of(self, kind: Kind) -> ClusterClient:
        """The same server and namespace, for the objects of this kind."""
        return ClusterClient(self._api, self.namespace, kind)

    def create(self, body: Json) -> Json:
        """Creates the object. Strict validation: unknown and duplicate fields are rejected, not dropped.

        Not retried: a first attempt whose answer was lost would look like an object of somebody else.
        """
        created = self._objects.create_namespaced_custom_object(
            *self._place, body, field_manager="elastometer-cli", field_validation="Strict",
            _request_timeout=(CONNECT_SECONDS, READ_SECONDS))
        return cast(Json, created)

    def get(self, name: str) -> Json | None:
        """The object as served; None if there is none of that name."""
        try:
            found = retrying(lambda: self._objects.get_namespaced_custom_object(
                *self._place, name, _request_timeout=(CONNECT_SECONDS, READ_SECONDS)))
        except ApiException as error:
            if error.status == 404 and not is_kind_missing(error):
                return None
            raise
        return cast(Json, found)

    def labelled(self, selector: str) -> list[Json]:
        """The objects with these labels, as served."""
        found: Any = retrying(lambda: self._objects.list_namespaced_custom_object(
            *self._place, label_selector=selector, _request_timeout=(CONNECT_SECONDS, READ_SECONDS)))
        return [item for item in found.get("items") or () if isinstance(item, dict)]

    def delete(self, name: str, uid: str) -> None:
        """Requests the deletion of exactly this object; one that is already gone is fine.

        The uid protects an object of the same name that somebody else created meanwhile. In the foreground, so that the
        object exists until its children are gone.
        """
        body = client.V1DeleteOptions(preconditions=client.V1Preconditions(uid=uid), propagation_policy="Foreground")
        try:
            retrying(lambda: self._objects.delete_namespaced_custom_object(
                *self._place, name, body=body, _request_timeout=(CONNECT_SECONDS, READ_SECONDS)))
        except ApiException as error:
            if error.status != 404:
                raise

    def changes(self, name: str, resource_version: str, seconds: int) -> Iterator[Json]:
        """Each later version of the object, for at most `seconds`; ends early when the watch does.

        The read deadline is later than the server's own `timeout_seconds`, so that a quiet watch is not an error.
        """
        answer: Any = self._objects.list_namespaced_custom_object(
            *self._place, watch=True, field_selector=f"metadata.name={name}",
            resource_version=resource_version, timeout_seconds=seconds, _preload_content=False,
            _request_timeout=(CONNECT_SECONDS, seconds + CONNECT_SECONDS))
        try:
            for line in _lines(answer.stream()):
                event = orjson.loads(line)
                # DELETED, BOOKMARK or ERROR (such as an expired version): the caller reads the test again.
                if event.get("type") not in ("ADDED", "MODIFIED"):
                    return
                yield event["object"]
        finally:
            answer.close()

    def config_map(self, name: str) -> dict[str, str]:
        """The texts in a ConfigMap, by their keys."""
        found = retrying(lambda: self._core.read_namespaced_config_map(
            name, self.namespace, _request_timeout=(CONNECT_SECONDS, READ_SECONDS)))
        return dict(found.data or {})

    def token(self, secret: str) -> str:
        """The run's token, from its Secret."""
        found = retrying(lambda: self._core.read_namespaced_secret(
            secret, self.namespace, _request_timeout=(CONNECT_SECONDS, READ_SECONDS)))
        content = (found.data or {}).get(TOKEN_KEY)
        if not content:
            raise CliError(Exit.NOT_CARRIED_OUT, f"Secret '{self.namespace}/{secret}' must have the key '{TOKEN_KEY}'")
        return base64.b64decode(content).decode()

    def through_service(self, reference: Json, file: str, token: str) -> Any:
        """An open response (status, `.stream()`) from a Service, reached through the API server.

        The generated client method for the proxy reads the whole body as text; a bundle is binary and may be large.
        """
        path = (f"/api/v1/namespaces/{quote(reference['namespace'], safe='')}"
                f"/services/http:{quote(reference['service'], safe='')}:{int(reference['port'])}"
                f"/proxy{quote('/' + str(reference['path']).strip('/'))}/{quote(file)}")
        request = self._api.param_serialize(
            "GET", path, header_params={TOKEN_HEADER: token, "Accept": "*/*"}, auth_settings=["BearerToken"])
        answer = self._api.call_api(*request, _request_timeout=(CONNECT_SECONDS, READ_SECONDS))
        return answer.response


# What the client raises for a file that cannot be read, is not YAML, or does not have the shape of a kubeconfig.
_NO_KUBECONFIG = (OSError, ValueError, TypeError, LookupError, AttributeError, yaml.YAMLError)


def connect(*, kubeconfig: str | None, context: str | None, namespace: str | None) -> ClusterClient:
    """The cluster of the kubeconfig, or the one that this Pod runs in. `namespace` overrides the context's."""
    configuration = client.Configuration()
    try:
        config.load_kube_config(config_file=kubeconfig, context=context, client_configuration=configuration)  # type: ignore[no-untyped-call]
        default = _namespace_of_context(kubeconfig, context)
    except (config.ConfigException, *_NO_KUBECONFIG) as error:
        # A kubeconfig or context that was named must be used: falling back to another cluster would be dangerous.
        if kubeconfig or context:
            raise CliError(Exit.SPEC_OR_USAGE, f"cannot use the kubeconfig: {error}") from error
        default = _inside_a_pod(configuration, error)
    return ClusterClient(client.ApiClient(configuration), namespace or default)


def _namespace_of_context(kubeconfig: str | None, context: str | None) -> str:
    contexts, active = config.list_kube_config_contexts(config_file=kubeconfig)  # type: ignore[no-untyped-call]
    chosen = next((item for item in contexts if item["name"] == context), active)
    return str((chosen.get("context") or {}).get("namespace") or "default")


def _inside_a_pod(configuration: client.Configuration, error: Exception) -> str:
    try:
        config.load_incluster_config(client_configuration=configuration)  # type: ignore[no-untyped-call]
    except config.ConfigException:
        raise CliError(
            Exit.SPEC_OR_USAGE, f"no cluster to connect to: {error}",
            "give --kubeconfig FILE, or set KUBECONFIG, or run inside a Pod") from error
    return "default"


def _lines(pieces: Iterator[bytes]) -> Iterator[bytes]:
    # An HTTP chunk may end within a line.
    rest = b""
    for piece in pieces:
        *whole, rest = (rest + piece).split(b"\n")
        yield from filter(bytes.strip, whole)
