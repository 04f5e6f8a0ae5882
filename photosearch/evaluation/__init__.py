"""How well captions and search do: metrics, described photos, questions with known answers."""
