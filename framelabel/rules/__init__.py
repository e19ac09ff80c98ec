"""Zones, lines and relations that turn tracks into events (pure)."""
