"""The page around a report: style, tables, and model text made harmless. Knows nothing of runs.

Everything that goes into a page as text goes through `escaped` or `shown`. The page has no script and loads nothing.
"""

from __future__ import annotations

import html
import unicodedata
from collections.abc import Sequence

MAX_SHOWN = 600
"""Characters of one model text that are shown."""

STYLE = """
:root { --ink: #1f2430; --soft: #667085; --line: #e4e7ec; --accent: #2f5d8a; --paper: #ffffff; --wash: #f7f8fa; }
* { box-sizing: border-box; }
body { margin: 0; background: var(--wash); color: var(--ink); line-height: 1.55;
  font: 16px/1.55 system-ui, -apple-system, "Segoe UI", Roboto, "Noto Sans", "DejaVu Sans", sans-serif; }
main { max-width: 1000px; margin: 2.5rem auto; padding: 2.5rem 3rem 3rem; background: var(--paper);
  border: 1px solid var(--line); border-radius: 10px; }
h1 { font-size: 1.75rem; line-height: 1.2; margin: 0 0 .35rem; letter-spacing: -.01em; }
h2 { font-size: 1.15rem; margin: 2.75rem 0 .5rem; padding-top: 1.25rem; border-top: 1px solid var(--line); }
h3 { font-size: 1rem; margin: 1.5rem 0 .5rem; }
p { margin: .35rem 0 .9rem; max-width: 46rem; }
.soft { color: var(--soft); } .note { color: var(--soft); font-size: .9rem; }
.warn { background: #fff7e6; border: 1px solid #f0d9a8; border-radius: 6px; padding: .5rem .8rem; }
.facts { display: grid; grid-template-columns: repeat(auto-fit, minmax(8.5rem, 1fr)); gap: 1px; margin: 1.4rem 0 0;
  background: var(--line); border: 1px solid var(--line); border-radius: 8px; overflow: hidden; }
.facts div { background: var(--paper); padding: .65rem .9rem; }
.facts dt { color: var(--soft); font-size: .78rem; } .facts dd { margin: 0; font-weight: 600; overflow-wrap: anywhere; }
.headline { font-size: 1.1rem; } .headline b { font-size: 1.35rem; }
table { border-collapse: collapse; font-variant-numeric: tabular-nums; margin: .6rem 0 1rem; font-size: .94rem; }
th, td { padding: .38rem .9rem; text-align: right; border-bottom: 1px solid var(--line); white-space: nowrap; }
th { color: var(--soft); font-weight: 500; font-size: .82rem; } th:first-child, td:first-child { text-align: left; }
td small { color: var(--soft); } .up { color: #1d7a46; font-weight: 600; } .down { color: #b3372f; font-weight: 600; }
figure { margin: .75rem 0 0; } figure svg { display: block; max-width: 100%; height: auto; }
figure svg text { font-family: inherit !important; }
.problem { border: 1px solid var(--line); border-radius: 8px; margin: .9rem 0; padding: .8rem 1rem; }
.problem > header { font-size: .85rem; color: var(--soft); margin-bottom: .4rem; }
pre { font: .84rem/1.5 ui-monospace, "SF Mono", Menlo, Consolas, "DejaVu Sans Mono", monospace; margin: .3rem 0;
  padding: .55rem .75rem; background: var(--wash); border-radius: 6px; white-space: pre-wrap; overflow-wrap: anywhere;
  max-height: 22rem; overflow: auto; unicode-bidi: isolate; }
.attempt { display: grid; grid-template-columns: 7.5rem 1fr; gap: .8rem; align-items: start; margin-top: .35rem; }
.badge { display: inline-block; margin-top: .5rem; padding: .1rem .55rem; border-radius: 99px; font-size: .78rem;
  font-weight: 600; background: #eef0f3; color: #475467; }
.badge.correct { background: #e2f3e8; color: #1d6a3f; } .badge.wrong { background: #fbe6e4; color: #9b2f27; }
.badge.fault, .badge.undecided { background: #fdf0d5; color: #8a5a00; }
.badge.judged { background: #e6ebf5; color: #33507e; }
details { margin: .6rem 0; } summary { cursor: pointer; color: var(--accent); }
@media (max-width: 720px) { main { margin: 0; padding: 1.25rem; border: 0; } .attempt { grid-template-columns: 1fr; } }
@media print { body { background: none; } main { border: 0; margin: 0; } pre { max-height: none; } }
"""


def escaped(value: object) -> str:
    """Text for a page, without characters that are invisible, reorder what is around them, or are not UTF-8."""
    return html.escape("".join(map(_visible, str(value))))


def shown(text: str, max_length: int = MAX_SHOWN) -> str:
    """A model's text for a page: escaped, and cut with a word on how much is missing."""
    if not text:
        return '<span class="soft">(empty)</span>'
    rest = f'<span class="soft"> … {len(text) - max_length} more characters</span>' if len(text) > max_length else ""
    return escaped(text[:max_length]) + rest


def table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """A table. `head` is text; the cells of `rows` are HTML already."""
    heads = "".join(f'<th scope="col">{escaped(name)}</th>' for name in head)
    body = "".join("<tr>" + "".join(f"<td>{cell}</td>" for cell in row) + "</tr>" for row in rows)
    return f"<table><thead><tr>{heads}</tr></thead><tbody>{body}</tbody></table>"


def figure(svg: str, note: str = "") -> str:
    """A figure with a note beneath it; `svg` is HTML already, `note` is text."""
    caption = f'<figcaption class="note">{escaped(note)}</figcaption>' if note else ""
    return f"<figure>{svg}{caption}</figure>"


def section(title: str, *parts: str) -> str:
    """A headed section; nothing at all if it would be empty."""
    body = "".join(parts)
    return f"<section><h2>{escaped(title)}</h2>{body}</section>" if body else ""


def page(title: str, body: str) -> str:
    """One self-contained document that may run and load nothing."""
    policy = "default-src 'none'; style-src 'unsafe-inline'; img-src data:"
    return (
        '<!doctype html>\n<html lang="en"><head><meta charset="utf-8">'
        f'<meta http-equiv="Content-Security-Policy" content="{policy}">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>{escaped(title)}</title><style>{STYLE}</style></head><body><main>{body}</main></body></html>\n"
    )


def _visible(character: str) -> str:
    if character in "\n\t" or unicodedata.category(character) not in ("Cc", "Cf", "Cs", "Co", "Cn"):
        return character
    return f"⟨U+{ord(character):04X}⟩"
