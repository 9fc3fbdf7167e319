"""The load profile, `spec.load` of an ElasticityTest: stages, tasks, datasets, traces, parsed and checked. Pure.

The operator parses with this room too, so every rule about a profile exists only here. May import checks and base.
Start reading at `profile.py`; a new type of stage is a class in `stages.py` and a reader in `parse_stages.py`.
"""
