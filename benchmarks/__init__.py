"""How quick it is, as ratios in one run."""
