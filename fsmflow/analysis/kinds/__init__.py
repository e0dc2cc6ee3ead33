"""What Python source says of types, and what fits into what; modules are read, never imported."""
