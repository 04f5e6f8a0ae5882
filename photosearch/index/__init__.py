"""The search engine: an exact TF-IDF index that grows photo by photo and lies on disk."""

from photosearch.index.index import Index
from photosearch.index.ranking import SCORE_DECIMALS, Ranking
from photosearch.index.storage import Saved, Store
from photosearch.index.views import Tables, read_tables

__all__ = ["SCORE_DECIMALS", "Index", "Ranking", "Saved", "Store", "Tables", "read_tables"]
