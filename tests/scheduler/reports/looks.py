"""What is asked of a page in a browser: words that are cut, lie over each other or are faint, and what has no name."""

from __future__ import annotations

import base64
import re
from typing import Any

SMALL = """return Array.from(document.querySelectorAll('.plot text'))
  .map(one => parseFloat(getComputedStyle(one).fontSize)).filter(size => size < 10)"""
UNTITLED = """return Array.from(document.querySelectorAll('.plot')).filter(one =>
  !one.querySelector('.xtitle') || !one.querySelector('.ytitle')).map(one => one.id)"""
CROPPED = """return Array.from(document.querySelectorAll('.plot, .map-frame')).flatMap(function (plot) {
  const box = plot.getBoundingClientRect(), spare = plot.matches('.plot') ? 2 : 14;
  return Array.from(plot.querySelectorAll('text, i, .title'), one => [one.textContent, one.getBoundingClientRect()])
    .filter(([_, at]) => at.width && (at.left < box.left - 2 || at.right > box.right + spare
      || at.top < box.top - spare || at.bottom > box.bottom + 2))
    .map(([words]) => plot.id + ': ' + words);
})"""
JOSTLED = """return Array.from(document.querySelectorAll('.plot, .map-frame')).flatMap(function (plot) {
  const all = Array.from(plot.querySelectorAll('text, i, .title'));
  const words = all.map(one => [one.textContent, one.getBoundingClientRect()])
    .filter(([text, at]) => text.trim() && at.width);
  return words.flatMap(([text, at], place) => words.slice(place + 1)
    .filter(([_, next]) => Math.min(at.right, next.right) - Math.max(at.left, next.left) > 3
      && Math.min(at.bottom, next.bottom) - Math.max(at.top, next.top) > 3)
    .map(([other]) => plot.id + ': ' + text + ' | ' + other));
})"""
FAINT = """
const parts = (colour) => (colour.match(/[\\d.]+/g) || []).map(Number);
const luminance = ([r, g, b]) => [r, g, b].map(v => v / 255)
  .map(v => v <= 0.03928 ? v / 12.92 : Math.pow((v + 0.055) / 1.055, 2.4))
  .reduce((sum, v, n) => sum + v * [0.2126, 0.7152, 0.0722][n], 0);
const contrast = function (one, other) {
  const [high, low] = [luminance(one), luminance(other)].sort((a, b) => b - a);
  return (high + 0.05) / (low + 0.05);
};
const behind = function (one) {
  for (let at = one; at; at = at.parentElement) {
    const back = parts(getComputedStyle(at).backgroundColor);
    if (back.length === 3 || back[3] > 0.99) { return back; }
  }
  return [255, 255, 255];
};
document.querySelectorAll('details').forEach(one => { one.open = true; });
const found = new Set();
let seen = 0;
const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
while (walker.nextNode()) {
  const one = walker.currentNode.parentElement, words = walker.currentNode.textContent.trim();
  const elsewhere = 'script, style, noscript, title, .hidden, .skip, .heatmap-label, .hoverlayer';
  if (!words || !one.checkVisibility() || one.closest(elsewhere)) { continue; }
  const style = getComputedStyle(one), drawn = one.closest('svg') !== null;
  seen += 1;
  const ratio = contrast(parts(drawn ? style.fill : style.color), behind(one));
  const named = one.tagName + '.' + (one.getAttribute('class') || '') + ' ' + words.slice(0, 40);
  if (ratio < 4.5) { found.add(ratio.toFixed(2) + ' ' + named); }
}
return [seen, Array.from(found)];"""
"""How many texts are seen, and those whose contrast with what lies behind them is below 4.5 (WCAG 2.2, 1.4.3)."""


def nameless(browser: Any) -> list[str]:
    """What takes the keyboard and has no name for those who hear the page."""
    nodes = browser.execute_cdp_cmd("Accessibility.getFullAXTree", {})["nodes"]
    focusable = [
        node
        for node in nodes
        if any(one["name"] == "focusable" and one["value"].get("value") for one in node.get("properties", []))
        and node.get("role", {}).get("value") != "RootWebArea"
    ]
    assert len(focusable) > 5
    return [node["role"]["value"] for node in focusable if not node.get("name", {}).get("value", "").strip()]


def printed_pages(browser: Any) -> int:
    """Sheets of A4 that the page is printed on."""
    told = browser.execute_cdp_cmd("Page.printToPDF", {"printBackground": True, "preferCSSPageSize": True})
    return len(re.findall(rb"/Type\s*/Page\b", base64.b64decode(told["data"])))
