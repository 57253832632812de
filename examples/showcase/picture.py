"""A picture of a sun over hills in a hundred tiles, each of them an SVG image."""

from __future__ import annotations

from math import hypot

SIDE = 10
TILES = SIDE * SIDE
# The edge of a tile in units of the drawing.
EDGE = 40
SUN = (264, 148)

# Seconds until the first tile is sent, and for each unit of distance to the sun.
AT_LEAST, A_UNIT = 0.1, 0.0007

DRAWING = """
<defs>
<linearGradient id="sky" x1="0" y1="0" x2="0" y2="1">
<stop offset="0" stop-color="#27496d"/><stop offset=".42" stop-color="#8b7aa8"/>
<stop offset=".62" stop-color="#f0a98f"/><stop offset=".74" stop-color="#fbd9a6"/>
</linearGradient>
<radialGradient id="glow" cx="264" cy="148" r="170" gradientUnits="userSpaceOnUse">
<stop offset="0" stop-color="#fff3d0" stop-opacity=".95"/>
<stop offset=".35" stop-color="#ffdca0" stop-opacity=".45"/>
<stop offset="1" stop-color="#ffdca0" stop-opacity="0"/>
</radialGradient>
<linearGradient id="lake" x1="0" y1="0" x2="0" y2="1">
<stop offset="0" stop-color="#f3c39c"/><stop offset=".5" stop-color="#8d84a8"/>
<stop offset="1" stop-color="#2f4a68"/>
</linearGradient>
</defs>
<rect width="400" height="400" fill="url(#sky)"/>
<rect width="400" height="400" fill="url(#glow)"/>
<circle cx="264" cy="148" r="34" fill="#fff6df"/>
<path fill="#a98fb0" d="M0 226 C40 196 66 176 96 190 S150 232 186 204 226 168 262 196
 318 232 350 206 386 190 400 198 V400 H0Z"/>
<path fill="#776f9b" d="M0 250 C34 236 60 218 92 226 S146 262 190 246 248 214 290 236
 352 262 400 240 V400 H0Z"/>
<path fill="#4c5a82" d="M0 262 C50 252 84 262 120 270 S206 280 246 268 330 252 400 272
 V400 H0Z"/>
<rect y="286" width="400" height="114" fill="url(#lake)"/>
<g fill="#fff1d6">
<rect x="236" y="292" width="56" height="2" rx="1" opacity=".9"/>
<rect x="222" y="302" width="84" height="2" rx="1" opacity=".7"/>
<rect x="240" y="313" width="50" height="2.4" rx="1.2" opacity=".6"/>
<rect x="212" y="326" width="100" height="2.4" rx="1.2" opacity=".45"/>
<rect x="234" y="341" width="62" height="2.8" rx="1.4" opacity=".35"/>
<rect x="204" y="358" width="116" height="2.8" rx="1.4" opacity=".22"/>
</g>
<path fill="#1f3350" d="M0 330 C30 318 52 322 78 336 S132 366 176 372 250 386 282 400 H0Z"/>
<g fill="#16263d">
<path d="M52 336 l14 -52 14 52z"/><path d="M28 334 l10 -38 10 38z"/>
<path d="M84 346 l11 -42 11 42z"/><path d="M112 358 l8 -30 8 30z"/>
</g>
<g fill="none" stroke="#2b3d5c" stroke-width="2" stroke-linecap="round">
<path d="M92 92 q8 -8 16 0 q8 -8 16 0"/><path d="M132 70 q6 -6 12 0 q6 -6 12 0"/>
<path d="M70 64 q5 -5 10 0 q5 -5 10 0"/>
</g>
"""


def tile(number: int) -> str:
    """Return the tile *number*, in rows from the top left: a window on the whole drawing."""
    row, column = divmod(number, SIDE)
    window = f"{column * EDGE} {row * EDGE} {EDGE} {EDGE}"
    return (
        '<svg xmlns="http://www.w3.org/2000/svg" width="40" height="40" '
        f'viewBox="{window}">{DRAWING}</svg>\n'
    )


def delay(number: int) -> float:
    """Return the seconds until the tile *number* is ready: those near the sun come first."""
    row, column = divmod(number, SIDE)
    x, y = (column + 0.5) * EDGE, (row + 0.5) * EDGE
    return AT_LEAST + A_UNIT * hypot(x - SUN[0], y - SUN[1])
