"""Find a photo by describing it: captions written from the pixels, searched as text."""

__version__ = "0.1.0"
