"""Tables about scaling: what each scale-out brought, first and later starts, health, and what was under test.

Start reading at `tables.py`. May import resources_used and verdict, and everything below them; knows no twin.
"""
