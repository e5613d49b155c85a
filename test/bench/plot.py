# SPDX-License-Identifier: BSD-2-Clause
"""plot: a drawing of rows.json: what each row costs as a part of what it costs with Xen."""

WIDTH, LABEL, LINE, BAR = 900, 180, 34, 9
UNIT = 400  # Xen without decoding is so long
MOST = 1.6  # a bar that is longer ends there
COLOURS = {"bare": "#9aa5b1", "xen": "#c8893a", "skerry": "#2f6db3"}


def bar(x, y, part, side, text):
    shown = min(max(part, 0), MOST)
    return (f'<rect x="{x}" y="{y}" width="{shown * UNIT:.1f}" height="{BAR}" fill="{COLOURS[side]}"/>'
            f'<text x="{x + shown * UNIT + 4:.1f}" y="{y + BAR - 1}" font-size="9">{text}{" (longer)" if part > MOST else ""}</text>')


def group(name, y, known):
    """The bars of one row, or nothing if there is no Xen to compare with."""
    out = [f'<text x="{LABEL - 8}" y="{y + BAR * 2}" text-anchor="end" font-size="11">{name}</text>']
    for i, side in enumerate(COLOURS):
        if side in known:
            value = known[side]["without decoding"]
            out.append(bar(LABEL, y + i * (BAR + 1), value / known["xen"]["without decoding"], side, f"{value:,.0f}"))
    return "\n".join(out)


def svg(names, known):
    """names: rows in their order; known: {row: {side: result}}."""
    names = [name for name in names if known[name].get("xen", {}).get("without decoding", 0) > 0]
    height = 50 + LINE * len(names)
    out = [f'<svg xmlns="http://www.w3.org/2000/svg" width="{WIDTH}" height="{height}" font-family="sans-serif">',
           f'<rect width="{WIDTH}" height="{height}" fill="white"/>',
           f'<text x="{LABEL}" y="16" font-size="12">Instructions per operation; Xen, without decoding of intercepted instructions, is 1</text>']
    out += [f'<rect x="{LABEL + 90 * i}" y="24" width="12" height="{BAR}" fill="{colour}"/>'
            f'<text x="{LABEL + 90 * i + 16}" y="32" font-size="11">{side}</text>' for i, (side, colour) in enumerate(COLOURS.items())]
    out.append(f'<line x1="{LABEL + UNIT}" y1="40" x2="{LABEL + UNIT}" y2="{height - 4}" stroke="#bbb"/>')
    out += [group(name, 44 + LINE * i, known[name]) for i, name in enumerate(names)]
    return "\n".join([*out, "</svg>", ""])
