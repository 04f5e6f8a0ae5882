"""Search: a query becomes a ranking of photos with the reasons for each score."""
