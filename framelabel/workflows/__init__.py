"""Use cases: the one place that puts capabilities together."""
