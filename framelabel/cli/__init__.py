"""The command line: arguments -> config -> one workflow call -> exit code."""
