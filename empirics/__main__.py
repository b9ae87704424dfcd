"""`python -m empirics`."""

from empirics.cli import main

if __name__ == "__main__":
    main()
