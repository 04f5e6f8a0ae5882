"""What the Quality page shows, a module for each of its sections."""
