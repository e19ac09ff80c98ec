"""Carrying a few human boxes through every frame of a span, from both sides, and saying which frame to label next."""
