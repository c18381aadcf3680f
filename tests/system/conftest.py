"""Fixtures of the system tests; what they are made of stands in `place`."""

from place import browser, demo, place, running

__all__ = ["browser", "demo", "place", "running"]
