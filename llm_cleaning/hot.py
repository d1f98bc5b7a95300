"""What every block, element and line passes through, defined in Python; c/ is the twin in C; native.py chooses."""

from llm_cleaning.elements import code
from llm_cleaning.guard_align import gaps
from llm_cleaning.guard_lines import lines, spans
from llm_cleaning.places import places
from llm_cleaning.rules import scores
from llm_cleaning.texts import bodies

__all__ = ["bodies", "code", "gaps", "lines", "places", "scores", "spans"]
