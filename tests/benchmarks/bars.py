"""Draws what `tests.benchmarks.compare` has measured: a bar for each program, as SVG."""

from __future__ import annotations

from collections.abc import Mapping
from html import escape

WIDTH, LINE, LEFT, RIGHT = 720, 22, 190, 90
"""Pixels: of the picture, between two bars, and of the names and the figures beside them."""

_STYLE = """
    text { font: 13px system-ui, sans-serif; fill: #24292f; }
    .group { font-weight: 600; }
    .figure { fill: #57606a; }
    rect { fill: #9aa4ae; }
    .ours { fill: #0969da; }
    @media (prefers-color-scheme: dark) {
      text { fill: #e6edf3; }
      .figure { fill: #9198a1; }
      rect { fill: #656c76; }
      .ours { fill: #4493f8; }
    }
"""


def svg(groups: Mapping[str, Mapping[str, float]], caption: str) -> str:
    """Return a picture of milliseconds by program; each group has a scale of its own, and a caption is below them."""
    parts: list[str] = []
    top = LINE
    for group, times in groups.items():
        parts.append(f'<text class="group" x="0" y="{top}">{escape(group)}</text>')
        longest = max(times.values())
        for name, milliseconds in times.items():
            top += LINE
            width = max(1, round((WIDTH - LEFT - RIGHT) * milliseconds / longest))
            ours = ' class="ours"' if name.startswith("todo,") or name == "todo" else ""
            parts += [
                f'<text x="0" y="{top}">{escape(name)}</text>',
                f'<rect{ours} x="{LEFT}" y="{top - 12}" width="{width}" height="15" rx="2"/>',
                f'<text class="figure" x="{LEFT + width + 6}" y="{top}">{milliseconds:,.0f} ms</text>',
            ]
        top += 2 * LINE
    parts.append(f'<text class="figure" x="0" y="{top}">{escape(caption)}</text>')
    body = "\n  ".join(parts)
    height = top + LINE // 2
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" width="{WIDTH}" role="img">\n'
        f"  <title>{escape(', '.join(groups))}</title>\n  <style>{_STYLE}  </style>\n  {body}\n</svg>\n"
    )
