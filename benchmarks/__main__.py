"""`make bench`: how quick it is here and now, with peers in the same run."""

from benchmarks import captioning, page, searching

for part in (searching, captioning, page):
    part.main()
