"""A TCP port of loopback for a server that a test starts in a process of its own."""

import socket


def free_port() -> int:
    """A port that nothing listens on; the kernel does not soon give it to somebody else."""
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        return int(sock.getsockname()[1])
