"""Footage in: decoders, probing, the frame index. Each decoding library is imported in one file."""
