"""The load profile, `spec.load` of an ElasticityTest: tasks, datasets, messages and stages, parsed and checked. Pure.

The operator parses with this room too, so every rule about a profile exists only here. May import stages,
checks and base. Start reading at `profile.py`.
"""
