"""Captioners of the older system: read from files that nobody vouches for, and run."""
