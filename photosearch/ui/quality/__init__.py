"""What the Quality page shows: figures of a collection, and search measured with known photos."""
