"""Checks between the parts of a mine."""
