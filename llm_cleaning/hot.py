"""What every block and element of a page passes through, defined in Python; c/ is the twin in C; native.py chooses."""

from llm_cleaning.elements import code
from llm_cleaning.places import places
from llm_cleaning.rules import scores
from llm_cleaning.texts import bodies

__all__ = ["bodies", "code", "places", "scores"]
