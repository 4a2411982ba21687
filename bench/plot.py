#!/usr/bin/env python3
"""Draws the figures of bench/run.py as SVG: python3 bench/plot.py [REPORT.json] [FOLDER]."""

import json
import math
import sys
from html import escape
from pathlib import Path

from report import KIB, MIB, at, codec_lines

COLORS = {"weft": "#0b6bcb", "raw": "#8a94a0", "raw-wal": "#6b7580", "raw-wal-2ms": "#4d565f",
          "y-websocket": "#e08a1e", "hocuspocus": "#c8553d", "socket.io": "#a8456b",
          "weft-socketio": "#4a9be0", "yjs": "#e08a1e", "yrs": "#7a52a8"}
SHADES = {"typing": 1.0, "scattered": 0.7, "deletes": 0.45}
# cell: title, path of the figure, scale
BARS = {
    **{f"{shape}-{mode}": (f"{shape}-{mode}: server CPU, µs per delivery",
                           "server_cpu_us_per_delivery", 1)
       for mode in ("rate", "flat") for shape in ("f100", "f10", "f2")},
    "idle": ("idle: own memory, KiB a connection", "anon_bytes_per_connection", KIB),
    "paper": ("paper: last of 20 cold joiners, ms", "cold.join20.last_ms", 1),
    "large": ("large: p99 of 150 joining 20 MB, ms", "storm.p99_ms", 1),
    "presence": ("presence: p99 of edits beside it, ms", "p99_ms", 1),
    "slow": ("slow: memory that 5 readers cost, MiB", "rss_growth_bytes", MIB),
}
OPERATIONS = ("merge", "compact", "diff", "contains", "admit")
PANEL_WIDTH, LABEL_WIDTH, VALUE_WIDTH, ROW, HEAD, GAP = 380, 88, 66, 17, 30, 18
FONT = 'font-family="system-ui, sans-serif"'


def text(x, y, content, size=11, anchor="start", color="#24292f", weight="normal") -> str:
    return f'<text x="{x:.1f}" y="{y:.1f}" font-size="{size}" text-anchor="{anchor}" ' \
           f'fill="{color}" font-weight="{weight}" {FONT}>{escape(content)}</text>'


def document(width: float, height: float, parts: list[str]) -> str:
    return f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width:.0f} {height:.0f}" ' \
           f'width="{width:.0f}" height="{height:.0f}">\n' \
           '<rect width="100%" height="100%" fill="#ffffff"/>\n' + "\n".join(parts) + "\n</svg>\n"


def number(value: float) -> str:
    return f"{value:,.0f}" if value >= 100 else f"{value:.3g}"


def bar_panel(x: float, y: float, title: str, values: dict[str, float], void: set[str]) -> list[str]:
    """One bar a server, on a logarithmic scale that begins a third below the least."""
    parts = [text(x, y + 14, title, 12, weight="600")]
    positive = [v for v in values.values() if v > 0]
    low = math.log10(min(positive, default=1)) - 0.5
    span = max(math.log10(max(positive, default=1)) - low, 0.1)
    room = PANEL_WIDTH - LABEL_WIDTH - VALUE_WIDTH
    for row, (name, value) in enumerate(values.items()):
        top = y + HEAD + row * ROW
        length = room * (math.log10(value) - low) / span if value > 0 else 1
        color = COLORS.get(name, "#999999")
        weight = "600" if name.startswith("weft") else "normal"
        parts.append(text(x + LABEL_WIDTH - 6, top + 11, name, 11, "end", weight=weight))
        parts.append(f'<rect x="{x + LABEL_WIDTH:.1f}" y="{top:.1f}" width="{length:.1f}" '
                     f'height="{ROW - 4}" rx="2" fill="{color}"/>')
        label = number(value) + (" †" if name in void else "")
        parts.append(text(x + LABEL_WIDTH + length + 5, top + 11, label, 11, weight=weight))
    return parts


def cells_image(cells: dict) -> str:
    """The main figure of each cell, one panel each, three in a row."""
    panels = []
    for cell, (title, path, scale) in BARS.items():
        found = {n: at(m, path) for n, m in cells.get(cell, {}).items()}
        values = {n: max(v * scale, 0) for n, v in found.items() if v is not None}
        void = {n for n in values if cells[cell][n].get("void")}
        if values:
            panels.append((title, values, void))
    parts, y = [text(GAP, 24, "Lower is better; logarithmic scales", 12, color="#57606a")], 36.0
    for first in range(0, len(panels), 3):
        row = panels[first:first + 3]
        for column, (title, values, void) in enumerate(row):
            parts += bar_panel(GAP + column * (PANEL_WIDTH + GAP), y, title, values, void)
        y += HEAD + max(len(values) for _, values, _ in row) * ROW + GAP
    return document(GAP + 3 * (PANEL_WIDTH + GAP), y, parts)


def line_panel(x: float, y: float, title: str, lines: dict) -> list[str]:
    """(engine, workload) -> [(items, ns per item)], both axes logarithmic."""
    width, height = PANEL_WIDTH - 96, 230
    points = [p for line in lines.values() for p in line]
    x_low, x_high = (f(math.log10(p[0]) for p in points) for f in (min, max))
    y_low = math.floor(min(math.log10(p[1]) for p in points))
    y_high = math.ceil(max(math.log10(p[1]) for p in points))
    left, bottom = x + 72, y + HEAD + height

    def place(items, ns):
        across = (math.log10(items) - x_low) / max(x_high - x_low, 0.1)
        up = (math.log10(ns) - y_low) / max(y_high - y_low, 1)
        return left + across * width, bottom - up * height

    parts = [text(x, y + 14, title, 12, weight="600")]
    for power in range(y_low, y_high + 1):
        _, level = place(10 ** x_low, 10 ** power)
        parts.append(f'<line x1="{left}" y1="{level:.1f}" x2="{left + width}" y2="{level:.1f}" '
                     'stroke="#d8dee4"/>')
        parts.append(text(left - 6, level + 4, f"{10 ** power:,.0f} ns", 10, "end", "#57606a"))
    for items in sorted({p[0] for p in points}):
        parts.append(text(place(items, 10 ** y_low)[0], bottom + 15, f"{items:,}", 10, "middle",
                          "#57606a"))
    for (engine, workload), line in lines.items():
        path = " ".join(f"{px:.1f},{py:.1f}" for px, py in (place(*p) for p in line))
        style = f'stroke="{COLORS[engine]}" stroke-opacity="{SHADES[workload]}"'
        parts.append(f'<polyline points="{path}" fill="none" stroke-width="2" {style}/>')
        for point in line:
            px, py = place(*point)
            parts.append(f'<circle cx="{px:.1f}" cy="{py:.1f}" r="3" fill="{COLORS[engine]}" '
                         f'fill-opacity="{SHADES[workload]}"/>')
    return parts


def codec_image(by_engine: dict) -> str:
    """Time per item over the number of items: a level line is linear time."""
    found = codec_lines(by_engine)
    parts = [text(GAP, 24, "Time per item; a level line is linear time, a rising one worse", 12,
                  color="#57606a")]
    column, used = 0, []
    for operation in OPERATIONS:
        lines: dict = {}
        for workload in SHADES:
            for items, by in sorted(found.get((workload, operation), {}).items()):
                for engine, line in by.items():
                    point = (items, line["ms"] * 1e6 / items)
                    lines.setdefault((engine, workload), []).append(point)
        if lines:
            x, y = GAP + column % 2 * (PANEL_WIDTH + GAP), 60 + column // 2 * 300
            parts += line_panel(x, y, operation, lines)
            used += [key for key in lines if key not in used]
            column += 1
    for i, (engine, workload) in enumerate(sorted(used)):
        x, y = GAP + 12 + i % 6 * 130, 42 + i // 6 * 14
        parts.append(f'<circle cx="{x - 8}" cy="{y - 4}" r="4" fill="{COLORS[engine]}" '
                     f'fill-opacity="{SHADES[workload]}"/>')
        parts.append(text(x, y, f"{engine} {workload}", 10))
    return document(GAP + 2 * (PANEL_WIDTH + GAP), 60 + (column + 1) // 2 * 300, parts)


def write_all(result: dict, folder: Path) -> list[Path]:
    """Writes the images that the result has figures for; returns their paths."""
    folder.mkdir(parents=True, exist_ok=True)
    cells = result["cells"]
    images = {}
    if any(cell in BARS for cell in cells):
        images["bench-cells.svg"] = cells_image(cells)
    if "codec" in cells:
        images["bench-codec.svg"] = codec_image(cells["codec"])
    for name, image in images.items():
        (folder / name).write_text(image, encoding="utf-8")
    return [folder / name for name in images]


if __name__ == "__main__":
    root = Path(__file__).resolve().parent.parent
    source = Path(sys.argv[1]) if len(sys.argv) > 1 else root / "reports/bench.json"
    target = Path(sys.argv[2]) if len(sys.argv) > 2 else root / "docs/images"
    print(*write_all(json.loads(source.read_text(encoding="utf-8")), target), sep="\n")
