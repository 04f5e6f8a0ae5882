"""Makes the models; nothing imports it."""
