"""What the Search page shows: the search bar, filters, results, similar photos."""
