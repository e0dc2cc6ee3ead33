"""Runs that are over: their traces read back, and which ways they took."""
