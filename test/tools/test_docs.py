# SPDX-License-Identifier: BSD-2-Clause
"""The documentation names only files, directories, pages and functions that exist."""
import fnmatch
import os
import re

import pytest

TOP = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
ROOMS = ("boot", "kernel", "libs", "drivers", "services", "configs", "tools", "test", "docs")
SOURCE = ("c", "h", "S", "py", "mk", "md", "toml", "pml", "inc", "ld")
# Files that the pages tell the reader to make.
EXAMPLES = {"configs/mine.toml"}


def tree_of(top):
    """Files and directories below the rooms, as paths from the top."""
    found = {name for name in os.listdir(top) if os.path.isfile(os.path.join(top, name))}
    for room in ROOMS:
        for place, dirs, files in os.walk(os.path.join(top, room)):
            dirs[:] = [d for d in dirs if d != "__pycache__"]
            here = os.path.relpath(place, top)
            found.add(here)
            found.update(os.path.join(here, name) for name in files)
    return found


TREE = tree_of(TOP)
PAGES = sorted(p for p in TREE if p.endswith(".md"))


def read(page):
    with open(os.path.join(TOP, page), encoding="utf-8") as f:
        return f.read()


def split_fences(text):
    """The text outside and inside of ``` blocks."""
    parts = re.split(r"^```.*$", text, flags=re.M)
    return "\n".join(parts[0::2]), "\n".join(parts[1::2])


def code_words(text):
    """The words in backticks outside of ``` blocks, without punctuation at the end."""
    for span in re.findall(r"`([^`\n]+)`", split_fences(text)[0]):
        yield from (word.rstrip(".,:;") for word in span.split())


def looks_like_a_file(word):
    """A path from the top of the tree, or the end of one with the extension of a source."""
    if not re.fullmatch(r"[\w.*-]+(/[\w.*{},-]+)*/?", word) or word in EXAMPLES:
        return False
    name = word.rstrip("/")
    return "/" in word and word.split("/")[0] in ROOMS or name.rpartition(".")[0] != "" and name.rpartition(".")[2] in SOURCE


def exists(word):
    """Capitals stand for a name that the reader chooses: test/mutants/AREA.toml."""
    pattern = re.sub(r"(?<![A-Za-z])[A-Z]{4,}(?![A-Za-z])", "*", word.rstrip("/"))
    if pattern.split("/")[0] in ROOMS:
        return any(fnmatch.fnmatchcase(path, pattern) for path in TREE)
    return any(fnmatch.fnmatchcase("/" + path, "*/" + pattern) for path in TREE)


def missing_files(text):
    words = [word for word in code_words(text) if looks_like_a_file(word)]
    words += re.findall(r"(?<![\w./-])[a-z_]\w*\.[chS]\b(?!\.)", split_fences(text)[1])
    return sorted({word for word in words if not exists(word)})


def missing_links(page, text):
    targets = re.findall(r"\]\(([^)\s#]+)(?:#[^)]*)?\)", split_fences(text)[0])
    here = os.path.dirname(page)
    paths = {t: os.path.normpath(os.path.join(here, t)) for t in targets if "://" not in t}
    return sorted(t for t, path in paths.items() if path not in TREE)


@pytest.fixture(scope="module")
def identifiers():
    found = set()
    for path in TREE:
        if path.endswith((".c", ".h", ".S", ".py", ".mk")):
            found.update(re.findall(r"[A-Za-z_]\w*", read(path)))
    return found


@pytest.mark.parametrize("page", PAGES)
def test_files_exist(page):
    assert missing_files(read(page)) == []


@pytest.mark.parametrize("page", PAGES)
def test_links_lead_somewhere(page):
    assert missing_links(page, read(page)) == []


@pytest.mark.parametrize("page", PAGES)
def test_functions_exist(page, identifiers):
    named = {word[:-2] for word in code_words(read(page)) if re.fullmatch(r"[a-z_][a-z0-9_]+\(\)", word)}
    named.update(re.findall(r"([a-z_]\w+)\(\)", split_fences(read(page))[1]))
    assert sorted(named - identifiers) == []


def test_every_page_is_linked_from_another():
    linked = set()
    for page in PAGES:
        for target in re.findall(r"\]\(([^)\s#]+)", read(page)):
            linked.add(os.path.normpath(os.path.join(os.path.dirname(page), target)))
        linked.update(code_words(read(page)))
    alone = [p for p in PAGES if p not in linked and not p.startswith("docs/decisions/") and p != "README.md"]
    assert alone == []


def test_decisions_are_numbered():
    pages = sorted(p for p in PAGES if p.startswith("docs/decisions/"))
    assert [int(os.path.basename(p)[:4]) for p in pages] == list(range(1, len(pages) + 1))
    for number, page in enumerate(pages, 1):
        assert read(page).startswith(f"# {number}. "), page


def test_the_test_finds_what_is_not_there():
    assert missing_files("see `kernel/no_such.c`, `no_such.h` and `tools/loc`.") == ["kernel/no_such.c", "no_such.h"]
    assert missing_files("```\nno_such.c cap.c\n```") == ["no_such.c"]
    assert missing_files("`memory/target`, `make run`, `build/run/disk.img`, `test/mutants/AREA.toml`, `configs/*.toml`") == []
    assert missing_links("docs/x.md", "[a](ARCHITECTURE.md) [b](none.md) [c](../README.md#d) [e](https://f)") == ["none.md"]
