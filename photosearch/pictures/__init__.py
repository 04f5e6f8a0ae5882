"""What a picture file is, asks for and says: formats, bounds, decoding within limits, colours, metadata, its name."""
