"""Evaluation of captions and search: metrics, described photos, queries with known photos."""
