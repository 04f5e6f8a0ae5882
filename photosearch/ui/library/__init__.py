"""What the Library page shows: ways to add photos, collections, downloads."""
