"""Labels that look wrong: one file per kind of error, ranked together."""
