# SPDX-License-Identifier: BSD-2-Clause
"""docs/extending.md: each walk names all files in which its example occurs, and no file without need."""
import fnmatch
import os
import re

import pytest

TOP = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
ROOMS = ("boot", "kernel", "libs", "drivers", "services", "configs", "tools", "test", "docs")
# where an example may be mentioned without being a part of it
# the page names test/mutants once, for all walks
TALK = ("test/mutants/*", "docs/decisions/*", "docs/extending.md", "docs/style.md", "docs/GLOSSARY.md", "test/tools/test_extending.py")

# (section, example): the spellings of the example in the tree
EXAMPLES = {
    ("Hypercall", "set_timer_op"): r"set_timer_op",
    ("Verb", "domname"): r"\b(verb_)?domname\b",
    ("Key of xl.cfg", "maxvcpus"): r"\b(take_)?maxvcpus\b",
    ("Manifest key", "archive-file"): r"\barchive[-_]file\b",
    ("System call", "vcpu_inject"): r"(?i:\b(sk_)?vcpu_inject\b)",
    ("Protocol", "console.h"):
        r'SVC_PROTO_CONSOLE|"proto/console\.h"|console_params|X\(CONSOLE, |"console": |(serves|proto) = "console"|`console\.h`|'
        r"^\| console \|",
}


def sections():
    with open(os.path.join(TOP, "docs", "extending.md"), encoding="utf-8") as f:
        parts = re.split(r"^## (.+)\n", f.read(), flags=re.M)
    return dict(zip(parts[1::2], parts[2::2]))


def rows(text):
    """(patterns of files, when) for each row of a section's table."""
    for line in re.findall(r"^\| (`.*) \|$", text, flags=re.M):
        cells = line.split(" | ")
        named = [f for f in re.findall(r"`([^`]+)`", " | ".join(cells[:1])) if "/" in f]
        yield [re.sub(r"\b[A-Z]{4,}\b", "*", f) for f in named], cells[-1]


def files_with(pattern):
    found = set()
    for room in ROOMS:
        for place, dirs, names in os.walk(os.path.join(TOP, room)):
            dirs[:] = [d for d in dirs if d != "__pycache__"]
            for name in names:
                path = os.path.join(place, name)
                if os.path.islink(path):
                    continue
                with open(path, errors="replace") as f:
                    if re.search(pattern, f.read(), re.M):
                        found.add(os.path.relpath(path, TOP))
    return {f for f in found if not any(fnmatch.fnmatchcase(f, t) for t in TALK)}


def matches(path, patterns):
    return any(fnmatch.fnmatchcase(path, p) for p in patterns)


@pytest.mark.parametrize("section, example", EXAMPLES)
def test_the_section_names_its_example(section, example):
    assert f"Example: `{example}`" in sections()[section]


@pytest.mark.parametrize("section, example", EXAMPLES)
def test_every_file_of_the_example_is_in_the_walk(section, example):
    named = [p for patterns, _ in rows(sections()[section]) for p in patterns]
    missing = sorted(f for f in files_with(EXAMPLES[section, example]) if not matches(f, named))
    assert missing == [], f"docs/extending.md, {section}: no row names these"


@pytest.mark.parametrize("section, example", EXAMPLES)
def test_every_row_is_true_of_the_example(section, example):
    """A row that is always needed names at least one file in which the example occurs."""
    found = files_with(EXAMPLES[section, example])
    idle = [patterns for patterns, when in rows(sections()[section])
            if when.startswith("always") and not any(matches(f, patterns) for f in found)]
    assert idle == [], f"docs/extending.md, {section}: these rows name no file of {example}"


def test_every_section_is_in_the_overview():
    with open(os.path.join(TOP, "docs", "extending.md"), encoding="utf-8") as f:
        head = f.read().split("\n## ")[0]
    for section in sections():
        assert f"[{section}](#" in head, section
