"""Identity over time: online trackers, whole-clip association, propagation of human boxes."""
