"""Several people's answers merged into one; originals stay, the consensus names its parents."""
