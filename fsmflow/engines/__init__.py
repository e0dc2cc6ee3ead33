"""Where runs live: in a journal on this machine, or with an engine beyond it."""
