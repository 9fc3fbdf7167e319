"""The load generator of elastometer: open-loop load on an OpenAI-compatible server, one record per request."""

__version__ = "0.1.0"
