"""The narrator: facts with a code and values, one template for each fact, and its words as text or as HTML.

A room that finds something out makes a `Fact`; the templates of a verb are in one file here; a `Narrator` renders them.
Result, terminal and page render the same facts, so that they cannot say different things of one run.
"""

from supnorm.wording.fact import Fact, Sentence, Value, fact
from supnorm.wording.narrator import Narrator, units_of

__all__ = ["Fact", "Narrator", "Sentence", "Value", "fact", "units_of"]
