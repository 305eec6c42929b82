"""`python -m pai.cli` is `pai`."""

from pai.cli import main

main()
