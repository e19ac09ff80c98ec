"""One SQLite file per project; all SQL lives here."""
