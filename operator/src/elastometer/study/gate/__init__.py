"""A gate without a cluster: a changed spec replayed on recorded runs by the twin.

Held and Regressed are said only where the twin was fitted to the run and models every change; everything else is
CannotTell, by name. Start reading at `gate.py`.
"""
