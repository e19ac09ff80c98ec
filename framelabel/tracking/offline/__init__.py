"""Whole-clip association: tracklets by safe links, then exact global linking, selection, gap filling, smoothing."""
