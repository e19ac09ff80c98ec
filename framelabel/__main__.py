"""`python -m framelabel`."""

from framelabel.cli.main import main

main()
