"""The search engine: an exact TF-IDF index that grows photo by photo and lies on disk."""

from photosearch.search.index.door import SearchIndex
from photosearch.search.index.growing import Keep
from photosearch.search.index.index import Index
from photosearch.search.index.ranking import SCORE_DECIMALS, Ranking
from photosearch.search.index.storage import Saved, Store
from photosearch.search.index.tables import Tables, read_tables

__all__ = ["SCORE_DECIMALS", "Index", "Keep", "Ranking", "Saved", "SearchIndex", "Store", "Tables", "read_tables"]
