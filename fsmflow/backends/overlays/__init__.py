"""Overlays, one file each: what is laid over a diagram to show a run, a worst case, a change."""
