r"""Foreign text on a terminal or a page: characters that would move the cursor, recolour or reorder text are shown as text.

Names, titles, column headers, file names and the messages of a user's exceptions end up in front of a reader. A
terminal obeys escape sequences (``\x1b``, the C1 controls ``\x80`` to ``\x9f``) and overwrites a line at ``\r`` and
``\b``; bidirectional controls make a terminal and a browser show letters in another order than they are stored;
lone surrogates (bytes of a file name that are not UTF-8) cannot be printed at all.
"""

from __future__ import annotations

import re
import shlex
from pathlib import Path

# All of C0 except tab and line feed, DEL, C1, bidirectional marks, separators of lines and paragraphs, lone surrogates,
# invisible fillers and the byte order mark.
OBEYED = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200b\u200e\u200f\u2028-\u202e\u2060-\u2069\ufeff\ud800-\udfff"
    "\U000e0000-\U000e007f]"
)
_BROKEN = re.compile(r"[\t\n]")
# What a spreadsheet computes (after apostrophes too, so that `from_cell` gives every text back), and plain numbers.
_FORMULA, _NUMBER = re.compile(r"'*[=+\-@\t\n]"), re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?")


def _shown(found: re.Match[str]) -> str:
    code = ord(found[0])
    return f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"


def printable(text: str) -> str:
    r"""``text`` with each character that a terminal or browser would obey written as its escape.

    Line feeds and tabs stay.

    >>> printable("a\x1b[2Jb\r\x9b31m" + chr(0x202e) + "gnp")
    'a\\x1b[2Jb\\x0d\\x9b31m\\u202egnp'
    """
    return OBEYED.sub(_shown, text)


def one_line(text: str, longest: int | None = None) -> str:
    r"""``text`` printable and in one line, cut after ``longest`` characters.

    >>> one_line("first\n  second\x07", 14)
    'first second\\x…'
    """
    line = printable(" ".join(_BROKEN.sub(" ", text).split()))
    return line if longest is None or len(line) <= longest else line[:longest] + "…"


def first_line(error: BaseException, longest: int = 160) -> str:
    """The first line of what an exception says, printable and cut after ``longest`` characters; its type if it says nothing.

    >>> first_line(ValueError("first\\nsecond")), first_line(ValueError()), first_line(ValueError("too long"), 3)
    ('first', 'ValueError', 'too…')
    """
    try:
        lines = [line for line in str(error).splitlines() if line.strip()]
    except Exception:  # an exception whose own text cannot be made
        lines = []
    return one_line(lines[0], longest) if lines else type(error).__name__


def typed_line(error: BaseException, longest: int = 200) -> str:
    """The same with the type before it.

    >>> typed_line(ValueError("first\\nsecond")), typed_line(ValueError())
    ('ValueError: first', 'ValueError')
    """
    kind, line = type(error).__name__, first_line(error, longest)
    return kind if line == kind else f"{kind}: {line}"


def within_a_line(text: str, longest: int) -> str:
    r"""``text`` printable and in one line as it stands: names in it keep their spaces.

    Of more than ``longest`` characters the middle is left out: the end says what is wrong and what to do.

    >>> within_a_line("a  b.csv\nis damaged", 19), within_a_line("abcdefghijkl", 6)
    ('a  b.csv is damaged', 'abcd…kl')
    """
    if len(text) > 100 * longest:  # such as the names of a million columns
        text = text[: 50 * longest] + text[-50 * longest :]
    line = printable(_BROKEN.sub(" ", text))
    end = longest // 3
    return line if len(line) <= longest else f"{line[: longest - end]}…{line[-end:]}"


def in_cell(text: str) -> str:
    """``text`` printable, as a cell of a CSV file: an apostrophe stands before what a spreadsheet would compute.

    Names and labels come from files of others. A spreadsheet reads a cell that begins with =, +, -, @ or a tab as a formula,
    and some formulas start programs. Numbers stay as they are.

    >>> in_cell("=SUM(A1)"), in_cell("-5.2"), in_cell("site A"), in_cell("'=1")
    ("'=SUM(A1)", '-5.2', 'site A', "''=1")
    """
    shown = printable(text)
    return f"'{shown}" if _FORMULA.match(shown) and not _NUMBER.fullmatch(shown) else shown


def from_cell(cell: str) -> str:
    """The text that `in_cell` wrote into a cell.

    >>> [from_cell(in_cell(text)) for text in ("=1", "'=1", "-5.2", "'a'", "+")]
    ['=1', "'=1", '-5.2', "'a'", '+']
    """
    return cell[1:] if cell.startswith("'") and _FORMULA.match(cell[1:]) else cell


def file_word(path: Path | str) -> str:
    """The name of a file or folder as a word of a command: quoted for a shell, and no option.

    >>> file_word("my run"), file_word("--out.toml"), file_word("run")
    ("'my run'", './--out.toml', 'run')
    """
    return shlex.quote(f"./{path}" if str(path).startswith("-") else str(path))


def in_json(text: str) -> str:
    r"""JSON text with the same characters as ``\u`` escapes: it means the same and can be printed.

    These characters occur only in strings, where JSON allows such escapes.

    >>> in_json('{"title": "a' + chr(0x9b) + 'b"}')
    '{"title": "a\\u009bb"}'
    """
    return OBEYED.sub(_escaped, text)


def _escaped(found: re.Match[str]) -> str:
    code = ord(found[0])
    if code < 0x10000:
        return f"\\u{code:04x}"
    high, low = divmod(code - 0x10000, 0x400)
    return f"\\u{0xD800 + high:04x}\\u{0xDC00 + low:04x}"
