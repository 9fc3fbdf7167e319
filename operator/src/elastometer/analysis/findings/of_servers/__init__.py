"""Findings on the servers and on what the cluster made of them: memory, CPU, KV cache, logs, quotas, the autoscaler.

`servers.py` is the entry; `parts.py` says in which part of the run an instant lies.
"""
