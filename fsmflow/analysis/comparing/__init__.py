"""Two versions of a workflow: what they say differently, and what that does to what is proved."""
