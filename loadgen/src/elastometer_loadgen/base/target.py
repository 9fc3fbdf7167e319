"""Where requests go: an http or https base URL, parsed once."""

import ssl
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit


@dataclass(frozen=True, slots=True)
class Target:
    """A server's address. `path` does not end in a slash; `tls` is None for plain http."""

    host: str
    port: int
    path: str
    tls: ssl.SSLContext | None

    @property
    def authority(self) -> str:
        """The value of the Host header."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return host if self.port == (443 if self.tls else 80) else f"{host}:{self.port}"

    @property
    def url(self) -> str:
        """The URL that it was parsed from, without what goes without saying."""
        return f"{'https' if self.tls else 'http'}://{self.authority}{self.path}"


def parse_target(url: str, authorities: Path | None = None) -> Target:
    """The target of a URL such as http://server:8000; raises ValueError that names the rule.

    `authorities` is a file of certificates (PEM) to trust instead of the system's; it only matters for https.
    """
    parts = urlsplit(url)
    if (
        parts.scheme not in ("http", "https")
        or not parts.hostname
        or not url.isascii()
        or not url.isprintable()
    ):
        raise ValueError(f"must be a URL such as http://server:8000; got {url!r}")
    if parts.username or parts.password or parts.query or parts.fragment or " " in url:
        raise ValueError(
            f"must be a URL without user, query or fragment; got one for host {parts.hostname!r}"
        )
    try:
        # Otherwise the first connection would fail in the resolver, in the middle of the run.
        parts.hostname.encode("idna")
    except UnicodeError as error:
        raise ValueError(f"must be a URL with a host name that DNS allows; got {parts.hostname!r}") from error
    tls = ssl.create_default_context(cafile=authorities) if parts.scheme == "https" else None
    return Target(parts.hostname, parts.port or (443 if tls else 80), parts.path.rstrip("/"), tls)
