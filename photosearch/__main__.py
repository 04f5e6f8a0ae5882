"""`python -m photosearch`, and the program `photosearch`."""

import gc


def main() -> None:
    """Run the command line.

    What is imported stays until the end, so the garbage collector need not look through it: while importing, in the
    middle and at the end that takes a fifth of a short command.
    """
    gc.disable()
    from photosearch.cli import main as run

    gc.freeze()
    gc.enable()
    run()


if __name__ == "__main__":
    main()
