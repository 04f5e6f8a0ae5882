"""Export of photos and their data: JSON, CSV, ZIPs, and the older system's files."""
