"""The API server in a few verbs: create, get, delete, list, patch status. Each call is bounded and retried."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import aiohttp
import orjson
from kubernetes.aio.client import ApiClient
from tenacity import retry, retry_if_exception_type, stop_after_attempt, wait_random_exponential

from elastometer.model.document import documents_at, text_at
from elastometer.model.errors import WorldError
from elastometer.model.names import API_VERSION, KIND, PLURAL, STUDY_KIND, STUDY_PLURAL, Names
from elastometer.model.study_names import StudyNames

Json = dict[str, Any]
REQUEST_SECONDS = 10.0  # of one attempt; a load balancer in front of a dead API server may accept and never answer
ATTEMPTS = 4  # within some seconds; a longer outage is for the daemon, which repeats its turn
PLURALS = {
    ("apps/v1", "Deployment"): "deployments",
    ("v1", "Service"): "services",
    ("v1", "ConfigMap"): "configmaps",
    ("v1", "Secret"): "secrets",
    ("batch/v1", "Job"): "jobs",
    ("autoscaling/v2", "HorizontalPodAutoscaler"): "horizontalpodautoscalers",
    ("keda.sh/v1alpha1", "ScaledObject"): "scaledobjects",
    (API_VERSION, KIND): PLURAL,
    (API_VERSION, STUDY_KIND): STUDY_PLURAL,
}
# What an object's owner is to the people who read a message.
OWNERS = {KIND: "test", STUDY_KIND: "study"}


class Refused(Exception):
    """The API server understood the request and said no (4xx); asking again does not help. `flaws` are the fields that
    it named, each as `path: what is wrong`."""

    def __init__(self, status: int, message: str, flaws: tuple[str, ...] = ()) -> None:
        super().__init__(message)
        self.status = status
        self.flaws = flaws


def may_pass(status: int) -> bool:
    """Whether an HTTP status is about the API server's state (5xx, or 429: too many requests), not the request."""
    return status >= 500 or status == 429


def path_of(api_version: str, kind: str, namespace: str, name: str = "") -> str:
    """URL path of one object, or of the collection where no name is given."""
    root = f"/api/{api_version}" if "/" not in api_version else f"/apis/{api_version}"
    return f"{root}/namespaces/{namespace}/{PLURALS[api_version, kind]}" + (f"/{name}" if name else "")


def owners(item: Json) -> set[str]:
    """Uids of an object's owners."""
    return {owner["uid"] for owner in item["metadata"].get("ownerReferences") or ()}


def taken(kind: str, meta: Mapping[str, Any], owner_kind: str = KIND) -> str:
    """In words: an object of that name exists, and is somebody else's."""
    owner = OWNERS[owner_kind]
    an = "an" if kind[0] in "AEIO" else "a"
    return (f"{an} {kind} called '{meta['name']}' exists in namespace '{meta['namespace']}' and is not this {owner}'s; "
            f"delete it, or give the {owner} another name")


class Cluster:
    """Calls on one API server. Raises Refused for a 4xx and WorldError for everything that may pass."""

    def __init__(self, api: ApiClient) -> None:
        self._api = api

    @retry(
        retry=retry_if_exception_type(WorldError),
        stop=stop_after_attempt(ATTEMPTS),
        wait=wait_random_exponential(multiplier=0.2, max=2),
        reraise=True,
    )
    async def request(
        self,
        method: str,
        path: str,
        body: object = None,
        *,
        query: Mapping[str, str] | None = None,
        content_type: str = "application/json",
    ) -> Json:
        """One request; the answer as decoded JSON."""
        # The client's typed methods would drop fields that it does not know, such as those of a newer API server.
        call = await self._api.param_serialize(
            method,
            path,
            query_params=list((query or {}).items()),
            body=body,
            auth_settings=["BearerToken"],
            header_params={"Content-Type": content_type, "Accept": "application/json"},
        )
        try:
            answer = await self._api.call_api(*call, _request_timeout=REQUEST_SECONDS)
            payload: bytes = await answer.read()  # type: ignore[no-untyped-call]
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            said = str(error) or type(error).__name__
            raise WorldError(f"the API server did not answer {method} {path}: {said}") from error
        if may_pass(answer.status):
            raise WorldError(f"the API server answered {answer.status} to {method} {path}: {_message(payload)}")
        if answer.status >= 400:
            raise Refused(answer.status, _message(payload), _flaws(payload))
        decoded: Json = orjson.loads(payload)
        return decoded

    async def create(self, manifest: Json, *, dry_run: bool = False) -> bool:
        """Creates an object; False when it exists already. `dry_run` only checks whether it could be created.

        Raises Refused when an object is there that belongs to somebody else, or to a deleted test of the same name.
        """
        try:
            await self.post(manifest, dry_run=dry_run)
        except Refused as refusal:
            if refusal.status != 409:
                raise
            await self._check_owner(manifest)
            return False
        return True

    async def post(self, manifest: Json, *, dry_run: bool) -> Json:
        """The object as the API server would serve it, or does. Raises Refused also when one of its name exists."""
        path = path_of(manifest["apiVersion"], manifest["kind"], manifest["metadata"]["namespace"])
        # Strict, because a misspelt field of a Pod template would otherwise be dropped with a warning nobody sees.
        query = {"fieldManager": "elastometer", "fieldValidation": "Strict"}
        return await self.request("POST", path, manifest, query={**query, **({"dryRun": "All"} if dry_run else {})})

    async def _check_owner(self, manifest: Json) -> None:
        kind, meta = manifest["kind"], manifest["metadata"]
        there = await self.get(manifest["apiVersion"], kind, meta["namespace"], meta["name"])
        if there is not None and not owners(there) & owners(manifest):
            owner_kinds = [ref["kind"] for ref in meta.get("ownerReferences") or ()]
            raise Refused(409, taken(kind, meta, *owner_kinds))

    async def get(self, api_version: str, kind: str, namespace: str, name: str) -> Json | None:
        """An object as served; None when it does not exist."""
        try:
            return await self.request("GET", path_of(api_version, kind, namespace, name))
        except Refused as refusal:
            if refusal.status == 404:
                return None
            raise

    async def delete(self, item: Json) -> None:
        """Deletes an object, as served, and what it owns, in the background.

        Another object may have taken its name. The API server compares the uid, so that object is not deleted.
        """
        meta = item["metadata"]
        path = path_of(item["apiVersion"], item["kind"], meta["namespace"], meta["name"])
        only = {"kind": "DeleteOptions", "apiVersion": "v1", "propagationPolicy": "Background",
                "preconditions": {"uid": meta["uid"]}}
        try:
            await self.request("DELETE", path, only)
        except Refused as refusal:
            if refusal.status not in (404, 409):
                raise

    async def replace_data(self, manifest: Json) -> None:
        """Creates a ConfigMap, or replaces the data of the existing one."""
        if not await self.create(manifest):
            meta = manifest["metadata"]
            await self.request(
                "PATCH",
                path_of("v1", manifest["kind"], meta["namespace"], meta["name"]),
                {"data": manifest["data"]},
                content_type="application/merge-patch+json",
            )

    async def pods(self, namespace: str, label: str, value: str) -> list[Json]:
        """Pods that carry a label."""
        query = {"labelSelector": f"{label}={value}"}
        items: list[Json] = (await self.request("GET", f"/api/v1/namespaces/{namespace}/pods", query=query))["items"]
        return items

    async def tests(self, namespace: str | None) -> list[Json]:
        """All ElasticityTests, in one namespace or in all."""
        return await self._all(PLURAL, namespace)

    async def _all(self, plural: str, namespace: str | None) -> list[Json]:
        scope = f"/namespaces/{namespace}" if namespace else ""
        items: list[Json] = (await self.request("GET", f"/apis/{API_VERSION}{scope}/{plural}")).get("items", [])
        return items

    async def studies(self, namespace: str | None) -> list[Json]:
        """All ElasticityStudies, in one namespace or in all."""
        return await self._all(STUDY_PLURAL, namespace)

    async def patch_status(self, names: Names, status: Mapping[str, Any]) -> None:
        """Writes the status of a test; a test that was deleted needs none."""
        await self._patch_status(path_of(API_VERSION, KIND, names.namespace, names.test), status)

    async def patch_study_status(self, names: StudyNames, status: Mapping[str, Any]) -> None:
        """Writes the status of a study; one that was deleted needs none."""
        await self._patch_status(path_of(API_VERSION, STUDY_KIND, names.namespace, names.study), status)

    async def _patch_status(self, path: str, status: Mapping[str, Any]) -> None:
        path = f"{path}/status"
        try:
            await self.request("PATCH", path, {"status": status}, content_type="application/merge-patch+json")
        except Refused as refusal:
            if refusal.status != 404:
                raise

    async def version(self) -> Json:
        """Version of the API server."""
        return await self.request("GET", "/version")


def _flaws(payload: bytes) -> tuple[str, ...]:
    """The causes that the API server's Status names with their fields. One without a field ("<nil>") only says that
    some rules are not checked until the shape is right."""
    try:
        found = documents_at(orjson.loads(payload), "details", "causes")
    except orjson.JSONDecodeError:
        return ()
    named = [(text_at(cause, "field"), text_at(cause, "message")) for cause in found]
    return tuple(dict.fromkeys(f"{field}: {message}" for field, message in named if field and field != "<nil>"))


def _message(payload: bytes) -> str:
    """The message of the API server's Status, or the beginning of what it sent instead."""
    try:
        decoded = orjson.loads(payload)
    except orjson.JSONDecodeError:
        return payload[:300].decode(errors="replace")
    return str(decoded.get("message", decoded))[:2000] if isinstance(decoded, dict) else str(decoded)[:300]
