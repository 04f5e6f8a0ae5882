"""What the Search page shows: words offered, filters, photos like a picture."""
