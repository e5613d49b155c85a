# SPDX-License-Identifier: BSD-2-Clause
"""What test_inject.py reached: one line per place in the file that SKERRY_REPORT names, and a table of them (inject_report.py FILE)."""
import sys


def add(path, way, domain, places, reached):
    with open(path, "a", encoding="utf-8") as f:
        for p in places:
            print(way, domain, p, "reached" if p in reached else "missed", file=f)


def table(lines):
    """Components in rows, ways in columns; then the places that were never reached. A place that was tried twice counts once."""
    results = {}
    for line in lines:
        way, domain, place, result = line.split()
        results[way, domain, place] = result == "reached" or results.get((way, domain, place), False)
    ways, domains = (list(dict.fromkeys(k[i] for k in results)) for i in (0, 1))

    def cell(domain, way):
        here = [ok for (w, d, _), ok in results.items() if (w, d) == (way, domain)]
        return f"{sum(here)} of {len(here)}" if here else "-"

    rows = [["component", *ways], ["---"] * (1 + len(ways))]
    rows += [[d, *(cell(d, w) for w in ways)] for d in domains]
    missed = [f"not reached: {w} of {d} at {p}" for (w, d, p), ok in results.items() if not ok]
    return ["| " + " | ".join(r) + " |" for r in rows] + ["", f"{sum(results.values())} of {len(results)} places", *missed]


if __name__ == "__main__":
    with open(sys.argv[1], encoding="utf-8") as report:
        print("\n".join(table(report)))
