"""Files for and from other tools, one format per file."""
