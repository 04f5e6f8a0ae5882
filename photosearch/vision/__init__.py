"""Models that observe pictures: the captioner, concepts, classifier and detector, built by one registry."""
