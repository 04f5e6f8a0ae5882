"""The HTTP API: reading only, JSON and pictures, with a page that describes it."""

from photosearch.api.addresses import MAX_SIZE_PX, PREFIX, image_address
from photosearch.api.application import make_api

__all__ = ["MAX_SIZE_PX", "PREFIX", "image_address", "make_api"]
