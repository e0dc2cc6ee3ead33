"""Diagnostics, for people (`text`) and for programs (`json`)."""
