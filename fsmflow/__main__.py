"""`python -m fsmflow` is `fsmflow`."""

from fsmflow.cli import main

if __name__ == "__main__":
    main()
