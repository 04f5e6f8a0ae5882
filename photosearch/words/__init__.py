"""What texts mean: terms, spellings, hashtags, times, coordinates and the names of places."""
