"""Immutable types and pure functions that every other package shares (numpy and scipy only)."""
