"""From new photos to findings: list them, read them, have the models observe them, save what they say."""
