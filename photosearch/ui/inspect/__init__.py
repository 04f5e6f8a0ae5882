"""What the Inspect page shows: a caption word by word, findings, corrections, a second captioner."""
