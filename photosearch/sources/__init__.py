"""Sources: where photos come from, how they are listed, and how their bytes are read.

`kinds` names every kind of source. Each kind is one module, which ends with its description, a `SourceKind`.
"""

from __future__ import annotations

from photosearch.sources.kinds import find_sources
from photosearch.sources.source import NO_OPTIONS, Content, Options, Source, SourceKind

__all__ = ["NO_OPTIONS", "Content", "Options", "Source", "SourceKind", "find_sources"]
