"""`make bench`: how quick it is here and now, with peers in the same run."""

from benchmarks import adding, captioning, dashboard, decoding, engine, page, searching

for part in (engine, searching, adding, decoding, captioning, page, dashboard):
    part.main()
