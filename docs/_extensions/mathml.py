"""Formulas as MathML in the page itself, so that the documentation reads offline and without scripts.

Docutils translates the LaTeX; a formula that it does not understand is an error of the build.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from docutils.nodes import SkipNode
from docutils.utils.math import MathError
from docutils.utils.math.latex2mathml import tex2mathml
from sphinx.util import logging

if TYPE_CHECKING:
    from docutils.nodes import math, math_block
    from sphinx.application import Sphinx
    from sphinx.writers.html5 import HTML5Translator

logger = logging.getLogger(__name__)

OPENING, CLOSING = re.compile(r"\\([bB]ig)(?=[(\[])"), re.compile(r"\\([bB]ig)(?=[)\]])")
"""Sized brackets that do not say their side; Docutils knows only those that do."""
BARRED = re.compile(r"(\\(?:overline|bar)\s*(?:\{[^{}]*\}|[A-Za-z]))(?=[_^])")
"""A bar over a letter with an index, which Docutils would set below the letter."""
DOTS = re.compile(r"\\dots(?![A-Za-z])")


def _visit_inline(self: HTML5Translator, node: math) -> None:
    self.body.append(_mathml(node, as_block=False))
    raise SkipNode


def _visit_block(self: HTML5Translator, node: math_block) -> None:
    self.body.append(f'<div class="math">{_mathml(node, as_block=True)}</div>\n')
    raise SkipNode


def _mathml(node: math | math_block, *, as_block: bool) -> str:
    tex = CLOSING.sub(r"\\\1r", OPENING.sub(r"\\\1l", node.astext()))
    tex = DOTS.sub(r"\\ldots", BARRED.sub(r"{{}\1}", tex))
    try:
        return str(tex2mathml(tex, as_block=as_block))
    except MathError as error:
        logger.warning("formula not understood: %s", error, location=node)
        return _as_code(node.astext())


def _as_code(tex: str) -> str:
    """The LaTeX itself, where it could not be translated."""
    return f"<code>{tex.replace('&', '&amp;').replace('<', '&lt;')}</code>"


def setup(app: Sphinx) -> dict[str, Any]:
    """Registers the renderer ``mathml``."""
    app.add_html_math_renderer("mathml", (_visit_inline, None), (_visit_block, None))
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
