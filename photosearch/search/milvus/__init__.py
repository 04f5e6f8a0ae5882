"""Search beyond one machine: photos' vectors lie in Milvus, which finds candidates; our own code scores and explains.

Milvus has one sparse vector for each photo: its terms by field, w g / |a idf| (`photosearch.search.index.index` has the
formulas). A query's vector has q idf / |q|, so that their inner product is the score. Since the photo's vector depends
on others only by its norm, a photo that is added costs one insert; the norms of others drift, and are made anew when
that could change a score (`photosearch.search.milvus.drift`). The best candidates are scored exactly, and explained,
from their postings, which lie beside the vectors, by the code that scores those of an index in files.

    address.py   where Milvus is
    server.py    the only module that imports pymilvus
    rows.py      a photo's row: vector, what filters ask for, postings
    counts.py    what scores need to know of the whole collection: names, document frequencies, numbers
    store.py     where both lie in Milvus; a commit is one row
    filters.py   filters as expressions of Milvus
    candidates.py, index.py    finding
    writing.py, drift.py, keeping.py    following the library
"""
