"""How it is proved that every run ends and what it can use at worst: on the machine as capped counters."""
