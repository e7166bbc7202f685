"""Output that never fails: a terminal that lacks a character gets one like it."""

import codecs
import io
import sys
import unicodedata

# Unicode itself knows of others, such as ²; of ≠ it would leave an equals sign.
LIKE = {"\N{MULTIPLICATION SIGN}": "x", "\N{MINUS SIGN}": "-", "\N{EN DASH}": "-", "─": "-"}
LIKE |= {"“": '"', "”": '"', "·": ".", "µ": "u", "→": ">", "←": "<", "±": "~", "≈": "~"}
LIKE |= {"≠": "!=", "≤": "<=", "≥": ">="}
LIKE_IT = "lossbench-like-it"


def replace_unencodable() -> None:
    """Let standard output and error put what is like it in place of what they cannot write."""
    codecs.register_error(LIKE_IT, _like)
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors=LIKE_IT)


def _like(error: UnicodeError) -> tuple[str, int]:
    if not isinstance(error, UnicodeEncodeError):
        raise error
    lacking = error.object[error.start : error.end]
    return "".join(LIKE.get(one) or _plain(one) for one in lacking), error.end


def _plain(character: str) -> str:
    parts = unicodedata.normalize("NFKD", character)
    return parts.encode("ascii", "ignore").decode() or "?"
