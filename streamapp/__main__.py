"""`python -m streamapp`: the command line, for where the script is not on the path."""

from streamapp.cli import main

main()
