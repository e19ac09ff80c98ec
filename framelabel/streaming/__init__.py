"""Bounded, closable iterators between stages (standard library only)."""
