"""Fuzzing with bad input for a given time: `python -m tests.fuzz --minutes 10`."""
