"""Steps in a module with the name of one of Python's own."""


def draw() -> str:
    """Give something."""
    return "a turtle"
