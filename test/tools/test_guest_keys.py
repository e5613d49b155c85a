# SPDX-License-Identifier: BSD-2-Clause
"""The keys of a guest's configuration: docs/guests.md has a row for each key of config/guest_keys.h, and for no other."""
import os
import re

TOP = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))


def read(path):
    with open(os.path.join(TOP, path), encoding="utf-8") as f:
        return f.read()


def keys_of_the_list(name):
    text = read("services/shell/config/guest_keys.h").replace("\\\n", " ")
    return re.findall(r"X\((\w+)\)", re.search(rf"#define {name}\(X\)(.*)", text)[1])


def first_column(head):
    """The words in backticks in the first column of the table of docs/guests.md with this head."""
    rows = read("docs/guests.md").split(head + "\n", 1)[1].split("\n\n", 1)[0].splitlines()[1:]
    return [key for row in rows for key in re.findall(r"`(\w+)`", row.split("|")[1])]


def test_each_key_has_a_row():
    assert sorted(first_column("| key | values | default |")) == sorted(keys_of_the_list("GUEST_KEYS"))


def test_no_key_has_two_rows():
    assert not set(keys_of_the_list("GUEST_KEYS")) & set(first_column("| keys | here |"))
