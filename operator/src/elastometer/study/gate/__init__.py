"""A change of settings, judged on recorded bundles by the twin."""
