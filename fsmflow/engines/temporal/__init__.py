"""Runs on Temporal: the same machines, carried out by as many workers as there are, on as many machines.

The workflow in `workflow` folds the machine's own meaning over what activities, timers and people say. It
sees values as plain data; where a value has a type, an activity holds it to that.
"""
