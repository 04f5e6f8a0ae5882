"""`python -m photosearch`."""

from photosearch.cli import main

if __name__ == "__main__":
    main()
