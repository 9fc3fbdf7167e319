"""TLS is verified, and the key for `Authorization` reaches the server and nothing else."""

import argparse
import asyncio
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from elastometer_loadgen.__main__ import main
from elastometer_loadgen.base.record import Outcome, parse_record
from elastometer_loadgen.base.target import parse_target
from elastometer_loadgen.journal.spool import Spool
from elastometer_loadgen.profile.profile import ConnectionPolicy, ConnectionRule, read_profile
from elastometer_loadgen.reporting.endpoint_feed import EndpointFeed
from elastometer_loadgen.reporting.receiver_client import ReceiverClient
from elastometer_loadgen.wire.client import Route
from elastometer_loadgen.wire.endpoints import EndpointFile
from elastometer_loadgen.worker.assignment import Assignment
from elastometer_loadgen.worker.options import endpoints_of
from elastometer_loadgen.worker.process import ExitCode
from elastometer_loadgen.worker.worker import Worker

KEY = "sk-0123456789/abc+def"
PROFILE = """
fingerprints: {lines: All}
latenessBoundMilliseconds: 60000
stages: [{name: s, type: Rate, durationSeconds: 1, endRequestsPerSecond: "5", arrivals: Constant}]
"""
EVENT = b'data: {"choices":[{"delta":{"content":"a"},"finish_reason":"stop"}]}\n\ndata: [DONE]\n\n'
GOOD = b"HTTP/1.1 200 OK\r\ncontent-length: %d\r\n\r\n%b" % (len(EVENT), EVENT)
# Of `localhost` and for these tests alone: nobody else trusts it.
CERTIFICATE = """\
-----BEGIN CERTIFICATE-----
MIIBlTCCATugAwIBAgIUamTW9TNQeBFEVXOOASmoNoaDHQUwCgYIKoZIzj0EAwIw
FDESMBAGA1UEAwwJbG9jYWxob3N0MCAXDTI2MTEyMTA5NDY1MFoYDzIxMjYxMDI4
MDk0NjUwWjAUMRIwEAYDVQQDDAlsb2NhbGhvc3QwWTATBgcqhkjOPQIBBggqhkjO
PQMBBwNCAAT5BxVBNCfynJ+2iKUI4lxev6a3yURIdiqGLxUz0qfwtKSxdvD1+aBs
WTXbv5en5vsDAdP5bWL2w2gwBLRviZaHo2kwZzAdBgNVHQ4EFgQUCswp4yUWQCz7
TEEFnewHvFiVCxgwHwYDVR0jBBgwFoAUCswp4yUWQCz7TEEFnewHvFiVCxgwDwYD
VR0TAQH/BAUwAwEB/zAUBgNVHREEDTALgglsb2NhbGhvc3QwCgYIKoZIzj0EAwID
SAAwRQIhAOCN8FLwGHmipJREfhB3z27PMWOMqI3Vyr8lebKciAjOAiApv9FIeTKn
t1Vky9DdAGwE22zX9ELGZcVgYi2EtaO1YQ==
-----END CERTIFICATE-----
"""
PRIVATE = """\
-----BEGIN PRIVATE KEY-----
MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQgYQqoT9AbOK9AW7XS
65y+q4mC2mfvG7HCnoh/tkyG1MGhRANCAAT5BxVBNCfynJ+2iKUI4lxev6a3yURI
diqGLxUz0qfwtKSxdvD1+aBsWTXbv5en5vsDAdP5bWL2w2gwBLRviZaH
-----END PRIVATE KEY-----
"""


def certificate(directory: Path) -> Path:
    path = directory / "ca.pem"
    path.write_text(CERTIFICATE)
    return path


@asynccontextmanager
async def serving(answer: bytes, tls: Path | None = None) -> AsyncIterator[tuple[int, list[bytes]]]:
    """A server that gives one answer; the value is its port and the heads that it was sent."""
    heads: list[bytes] = []
    handlers: list[asyncio.Task[None] | None] = []

    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        handlers.append(asyncio.current_task())
        try:
            while True:
                heads.append(head := await reader.readuntil(b"\r\n\r\n"))
                await reader.readexactly(int(head.partition(b"content-length: ")[2].split(b"\r")[0]))
                writer.write(answer)
        except (asyncio.IncompleteReadError, ConnectionError):
            writer.close()

    context = None
    if tls is not None:
        private = tls.with_name("key.pem")
        private.write_text(PRIVATE)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(tls, private)
    server = await asyncio.start_server(handle, "127.0.0.1", 0, ssl=context)
    yield server.sockets[0].getsockname()[1], heads
    server.close()
    # Its clients are gone by now, and each handler ends with its client.
    async with asyncio.timeout(5):
        await asyncio.gather(*filter(None, handlers))


async def work(url: str, out: Path, authorities: Path | None = None, key: str | None = None) -> list[Outcome]:
    target = parse_target(url, authorities)
    assignment = Assignment(profile=read_profile(PROFILE), target=target, out=out, api_key=key)
    spool = Spool(out, None)
    assert await Worker(assignment, spool).run() is ExitCode.CARRIED_OUT
    spool.close()
    assert KEY not in repr(assignment)
    return [parse_record(line).outcome for line in (out / "requests.jsonl").read_bytes().splitlines()]


async def test_a_server_is_asked_by_tls_when_its_certificate_is_trusted(tmp_path: Path) -> None:
    authorities = certificate(tmp_path)
    async with serving(GOOD, authorities) as (port, heads):
        assert await work(f"https://localhost:{port}", tmp_path / "out", authorities) == [Outcome.SUCCESS] * 5
    assert f"host: localhost:{port}".encode() in heads[0]


@pytest.mark.parametrize(("host", "trusted"), [("localhost", False), ("127.0.0.1", True)])
async def test_an_untrusted_certificate_or_one_of_another_name_is_refused(
    tmp_path: Path, host: str, trusted: bool
) -> None:
    authorities = certificate(tmp_path)
    async with serving(GOOD, authorities) as (port, heads):
        outcomes = await work(f"https://{host}:{port}", tmp_path / "out", authorities if trusted else None)
    assert outcomes == [Outcome.REFUSED] * 5
    assert not heads
    assert b"certificate" in (tmp_path / "out" / "requests.jsonl").read_bytes()


ECHO = b'{"error": "key %b is unknown"}' % KEY.encode()


@pytest.mark.parametrize(
    "answer",
    [
        GOOD,
        b"HTTP/1.1 401 X\r\ncontent-length: %d\r\n\r\n%b" % (len(ECHO), ECHO),
        b"HTTP/1.1 200 OK\r\ncontent-type: text/html\r\ncontent-length: %d\r\n\r\n%b" % (len(ECHO), ECHO),
        b"HTTP/1.1 200 OK\r\ncontent-length: %d\r\n\r\ndata: %b\n\n" % (len(ECHO) + 8, ECHO),
    ],
)
async def test_the_key_reaches_the_server_and_neither_records_nor_summary_nor_terminal(
    tmp_path: Path, capfd: pytest.CaptureFixture[str], answer: bytes
) -> None:
    async with serving(answer) as (port, heads):
        outcomes = await work(f"http://127.0.0.1:{port}", tmp_path / "out", key=KEY)
    assert len(outcomes) == 5
    assert all(f"\r\nauthorization: Bearer {KEY}\r\n".encode() in head for head in heads)
    printed = capfd.readouterr()
    written = "".join(path.read_text() for path in (tmp_path / "out").iterdir())
    assert KEY not in printed.out + printed.err + written
    assert ("[key]" in written) == (answer is not GOOD)


def test_a_route_does_not_show_its_key() -> None:
    route = Route(parse_target("http://h"), "/v1", ConnectionRule(ConnectionPolicy.REUSE), KEY)
    assert KEY not in repr(route)
    assert KEY in route.head().decode()


@pytest.mark.parametrize("text", ["two words", "", "a\nb", "caf\u00e9", "a\rb: c"])
def test_a_key_that_would_corrupt_the_header_is_refused_and_not_shown(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, text: str
) -> None:
    profile, key = tmp_path / "profile.yaml", tmp_path / "key"
    profile.write_text(PROFILE)
    key.write_text(text, encoding="utf-8")
    command = ["run", str(profile), "--target", "http://127.0.0.1:1", "--out", str(tmp_path / "out")]
    assert main([*command, "--api-key-file", str(key)]) == 2
    error = capsys.readouterr().err
    assert "--api-key-file must" in error
    assert not text or text not in error
    monkeypatch.setenv("ELASTOMETER_API_KEY", text)
    if text:
        assert main(command) == 2
        assert "ELASTOMETER_API_KEY must hold one word" in capsys.readouterr().err
    assert not (tmp_path / "out").exists()


def test_the_pods_come_from_the_file_or_else_from_the_receiver_and_only_where_they_are_asked_for(
    tmp_path: Path,
) -> None:
    policies = ("SpreadOverPods", "Reuse")
    spread, plain = (read_profile(f"connection: {{policy: {policy}}}\n{PROFILE}") for policy in policies)
    receiver = ReceiverClient(parse_target("http://127.0.0.1:1/v1/runs/x"), "token", 0, "a")
    (tmp_path / "pods").write_text("10.0.0.7:8000\n")
    given, none = (argparse.Namespace(endpoints=path) for path in (tmp_path / "pods", None))
    assert isinstance(endpoints_of(none, spread, receiver), EndpointFeed)
    assert isinstance(endpoints_of(given, spread, receiver), EndpointFile)
    assert isinstance(endpoints_of(given, spread, None), EndpointFile)
    assert endpoints_of(none, plain, receiver) is None


@pytest.mark.parametrize(
    ("more", "policy", "words"),
    [
        (["--ca-file", "/nonexistent"], "Reuse", "--ca-file must be a readable file of certificates: /nonexistent"),
        (["--ca-file", "/dev/null"], "Reuse", "--ca-file must be a readable file of certificates: /dev/null"),
        (["--endpoints", "/nonexistent"], "SpreadOverPods", "--endpoints /nonexistent: "),
        (["--endpoints", "/dev/null"], "Reuse", "--endpoints must be given if, and only if, connection.policy"),
        ([], "SpreadOverPods", "--endpoints must be given if, and only if, connection.policy"),
    ],
)
def test_a_file_that_cannot_be_used_is_exit_code_2_before_anything_is_sent(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], more: list[str], policy: str, words: str
) -> None:
    profile = tmp_path / "profile.yaml"
    profile.write_text(f"connection: {{policy: {policy}}}\n{PROFILE}")
    command = ["run", str(profile), "--target", "https://127.0.0.1:1", "--out", str(tmp_path / "out")]
    assert main([*command, *more]) == 2
    assert words in capsys.readouterr().err
    assert not (tmp_path / "out").exists()
