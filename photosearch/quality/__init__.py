"""How well search works in a collection: its own questions, its words, its captions, its models."""

from photosearch.quality.quality import Bin, Quality, WordCount, bins_of
from photosearch.quality.questions import MAX_BYTES, MAX_PAIRS, Question, Questions
from photosearch.quality.ranking import Ranked, SearchQuality
from photosearch.vision.model_cards import ModelCard

__all__ = [
    "MAX_BYTES",
    "MAX_PAIRS",
    "Bin",
    "ModelCard",
    "Quality",
    "Question",
    "Questions",
    "Ranked",
    "SearchQuality",
    "WordCount",
    "bins_of",
]
