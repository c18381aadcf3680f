"""streamapp: a shop's event stream turned into live meaning."""

__version__ = "0.1.0"
