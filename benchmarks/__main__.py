"""`make bench`: how quick it is here and now, with peers in the same run."""

from benchmarks import adding, captioning, page, searching

for part in (searching, adding, captioning, page):
    part.main()
