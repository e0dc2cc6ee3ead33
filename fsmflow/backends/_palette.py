"""The colours of a diagram, by what they stand for.

Each is unique within its theme, so that a light picture turns dark by replacing colour for colour.
Text keeps a contrast of at least 4.5:1 to what it stands on, in both themes.
"""

from __future__ import annotations

from typing import Literal

Theme = Literal["light", "dark"]
Ink = str
"""What a colour stands for: a key of the palettes."""

# Three per kind of step: its line and tag, its tint, and the band of its policy.
LIGHT = {
    "canvas": "#FFFFFF",
    "text": "#1F2328",
    "muted": "#57606A",
    "on solid": "#FFFFFE",
    "llm": "#0B57B8",
    "llm tint": "#EEF5FE",
    "llm band": "#D5E5FA",
    "tool": "#0B6156",
    "tool tint": "#E9F6F3",
    "tool band": "#CDE9E3",
    "fn": "#57606B",
    "fn tint": "#F4F6F8",
    "fn band": "#E2E7EC",
    "human": "#93389A",
    "human tint": "#FAF0FB",
    "human band": "#F0DAF2",
    "control": "#6B7683",
    "control tint": "#FAFBFC",
    "control band": "#E6EAEF",
    "success": "#17794F",
    "degraded": "#946600",
    "failed": "#99161C",
    "flow": "#24292F",
    "loop": "#5F50C4",
    "fallback": "#BC4C00",
    "budget": "#B0207A",
    "error": "#99161D",
}
DARK = {
    "canvas": "#0D1117",
    "text": "#E6EDF3",
    "muted": "#9AA4AF",
    "on solid": "#0D1118",
    "llm": "#5AA9F8",
    "llm tint": "#0F2136",
    "llm band": "#1A3757",
    "tool": "#3FC4B2",
    "tool tint": "#0B2724",
    "tool band": "#13403A",
    "fn": "#A3AFBB",
    "fn tint": "#1A2028",
    "fn band": "#2C353F",
    "human": "#D98FE0",
    "human tint": "#281328",
    "human band": "#432145",
    "control": "#96A1AD",
    "control tint": "#131920",
    "control band": "#232B34",
    "success": "#4CC38A",
    "degraded": "#E8B13C",
    "failed": "#F4776F",
    "flow": "#D4DBE2",
    "loop": "#AC9FFF",
    "fallback": "#FF9D52",
    "budget": "#F27FB8",
    "error": "#F47770",
}
PALETTES: dict[Theme, dict[Ink, str]] = {"light": LIGHT, "dark": DARK}
