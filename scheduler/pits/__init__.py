"""Pit limits: the ultimate pit, nested pits by price factor, their worth, and phases chosen from them."""
