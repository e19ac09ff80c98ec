"""framelabel: footage in, a reviewed, training-ready data set out."""

__version__ = "0.1.0"
