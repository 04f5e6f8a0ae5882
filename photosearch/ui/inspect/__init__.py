"""What the Inspect page shows: a sentence word by word, the form for corrections, a second captioner, findings."""
