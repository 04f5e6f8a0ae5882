"""Files made to be taken away: JSON, CSV and the files of the older system."""
