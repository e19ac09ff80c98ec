"""The review page: the same workflows, the same store."""
