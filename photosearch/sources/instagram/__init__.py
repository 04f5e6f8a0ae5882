"""Instagram: a profile, read with instaloader, and the export that Instagram sends to its users."""
