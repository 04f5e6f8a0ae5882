"""What the Library page shows: forms to add photos, the collections, exports."""
