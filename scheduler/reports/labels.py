"""Texts as plotly may be given them: it takes part of HTML for markup, links among it, wherever it writes a text."""

from __future__ import annotations

import html
import unicodedata

LONGEST = 60
"""Characters of a text in a chart; tables and captions have it whole."""
UNSEEN = frozenset({"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"})
"""Kinds of characters that show nothing, and may turn round what follows them (Unicode, general categories)."""
RIGHT_TO_LEFT = frozenset({"R", "AL"})
ISOLATE, END = "\u2068", "\u2069"


def label(text: object, most: int = LONGEST) -> str:
    """A text without markup, without characters that are not seen, and cut to ``most`` characters.

    What runs from right to left is set apart, so that the numbers after it stay in their order.
    """
    seen = "".join(" " if one in "\n\r\t" else one for one in str(text) if one in "\n\r\t" or _is_seen(one))
    cut = seen if len(seen) <= most else f"{seen[: most - 1]}…"
    safe = html.escape(cut, quote=False)
    turned = any(unicodedata.bidirectional(one) in RIGHT_TO_LEFT for one in cut)
    return f"{ISOLATE}{safe}{END}" if turned else safe


def _is_seen(character: str) -> bool:
    return unicodedata.category(character) not in UNSEEN
