"""What a state that asks a model does: one wire call, and how its answer is read, wherever it is asked."""
