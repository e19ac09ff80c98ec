"""Scores that agree with the field's references (pure)."""
