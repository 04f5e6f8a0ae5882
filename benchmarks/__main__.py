"""`make bench`: how quick it is here and now, with peers in the same run."""

from benchmarks import adding, captioning, dashboard, page, searching

for part in (searching, adding, captioning, page, dashboard):
    part.main()
