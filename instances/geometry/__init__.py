"""Geometry of the pit: slopes to precedence arcs, blocks to panels, cycles."""
