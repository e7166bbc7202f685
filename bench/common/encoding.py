"""Print to any terminal: replace characters that its encoding lacks by similar ones."""

import codecs
import io
import sys
import unicodedata

# Unicode's own decomposition handles others, such as ²; but it turns ≠ into an equals sign.
SIMILAR = {"\N{MULTIPLICATION SIGN}": "x", "\N{MINUS SIGN}": "-", "\N{EN DASH}": "-", "─": "-"}
SIMILAR |= {"“": '"', "”": '"', "·": ".", "µ": "u", "→": ">", "←": "<", "±": "~", "≈": "~"}
SIMILAR |= {"≠": "!=", "≤": "<=", "≥": ">="}
HANDLER = "lossbench-similar"


def replace_unencodable() -> None:
    """Make standard output and error replace characters that they cannot encode."""
    codecs.register_error(HANDLER, _replace)
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors=HANDLER)


def _replace(error: UnicodeError) -> tuple[str, int]:
    if not isinstance(error, UnicodeEncodeError):
        raise error
    missing = error.object[error.start : error.end]
    return "".join(SIMILAR.get(one) or _plain(one) for one in missing), error.end


def _plain(character: str) -> str:
    parts = unicodedata.normalize("NFKD", character)
    return parts.encode("ascii", "ignore").decode() or "?"
