"""The hot path, and nothing else: connections, the event stream, one exchange per request, deadlines.

Every line here runs once per request or per token, so it avoids general-purpose clients. May import plan and below.
Start reading at `client.py`, then `connection.py` (bytes) and `exchange.py` (the instants of one request).
"""
