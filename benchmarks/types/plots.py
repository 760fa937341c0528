"""Pictures as plain SVG, readable on light and dark pages."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from html import escape
from pathlib import Path

FONT = 'font-family="system-ui, sans-serif" font-size="13"'
OURS, OTHERS, GREY = "#2563eb", "#9ca3af", "#6b7280"


def _write(path: Path, width: int, height: int, parts: Sequence[str]) -> None:
    head = f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}" {FONT}>'
    ground = f'<rect width="{width}" height="{height}" fill="#ffffff"/>'
    path.write_text("\n".join([head, ground, *parts, "</svg>"]) + "\n", encoding="utf-8")


def _text(x: float, y: float, text: str, anchor: str = "start", color: str = "#111827") -> str:
    return f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}" fill="{color}">{escape(text)}</text>'


def bars(path: Path, title: str, shares: Mapping[str, float]) -> None:
    """One bar a tool."""
    left, width, step = 220, 640, 26
    parts = [_text(16, 26, title)]
    for number, (name, share) in enumerate(shares.items()):
        y = 46 + number * step
        color = OURS if name.startswith("Typewright") else OTHERS
        length = share * (width - left - 70)
        parts.append(_text(left - 10, y + 14, name, "end"))
        parts.append(f'<rect x="{left}" y="{y}" width="{length:.1f}" height="18" rx="3" fill="{color}"/>')
        parts.append(_text(left + length + 8, y + 14, f"{share:.1%}"))
    _write(path, width, 58 + len(shares) * step, parts)


def reliability(path: Path, curves: Mapping[str, Sequence[tuple[float, float, int]]]) -> None:
    """Confidence against the share that is right; on the diagonal it means what it says."""
    size, margin = 320, 56
    colors = (OURS, "#ea580c", "#16a34a")

    def place(x: float, y: float) -> tuple[float, float]:
        return margin + x * size, margin + (1 - y) * size

    parts = [_text(16, 26, "Strip and recover: confidence and share right")]
    for tick in (0.0, 0.25, 0.5, 0.75, 1.0):
        x, y = place(tick, tick)
        parts.append(
            f'<path d="M{margin} {y:.1f}H{margin + size}M{x:.1f} {margin}V{margin + size}" stroke="#e5e7eb"/>'
        )
        parts.append(_text(x, margin + size + 18, f"{tick:g}", "middle", GREY))
        parts.append(_text(margin - 8, y + 4, f"{tick:g}", "end", GREY))
    (x0, y0), (x1, y1) = place(0, 0), place(1, 1)
    parts.append(f'<path d="M{x0} {y0}L{x1} {y1}" stroke="{GREY}" stroke-dasharray="4 4"/>')
    for number, (name, points) in enumerate(curves.items()):
        color = colors[number % len(colors)]
        placed = [(*place(confidence, right), count) for confidence, right, count in points]
        line = "L".join(f"{x:.1f} {y:.1f}" for x, y, _ in placed)
        parts.append(f'<path d="M{line}" fill="none" stroke="{color}" stroke-width="2"/>')
        most = max(count for *_, count in placed)
        for x, y, count in placed:
            radius = 2 + 6 * (count / most) ** 0.5
            parts.append(f'<circle cx="{x:.1f}" cy="{y:.1f}" r="{radius:.1f}" fill="{color}"/>')
        parts.append(_text(margin + 12, margin + 18 + 18 * number, name, color=color))
    parts.append(
        _text(margin + size / 2, margin + size + 40, "confidence (area of a point: slots)", "middle", GREY)
    )
    _write(path, size + margin + 30, size + margin + 56, parts)
