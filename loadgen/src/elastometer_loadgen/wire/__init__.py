"""The hot path, and nothing else: connections, the event stream, one exchange per request, deadlines.

This code runs for every request or even every token, so it uses no general-purpose client. May import plan and below.
Start reading at `client.py`, then `connection.py` (bytes) and `exchange.py` (the instants of one request).
"""
