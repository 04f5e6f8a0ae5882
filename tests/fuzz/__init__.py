"""Bad input, made up for as long as one likes: `python -m tests.fuzz --minutes 10`."""
