"""Models on pictures: sessions, preprocessing, output decoders."""
