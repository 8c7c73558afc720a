"""`frieze`, and `python -m frieze`."""

from frieze.cli import main

if __name__ == "__main__":
    main()
