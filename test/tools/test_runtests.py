# SPDX-License-Identifier: BSD-2-Clause
"""tools/runtests ends a test that never ends by itself; tools/mutants tries the faults that it is told to, each once."""
import os
import re
import shutil
import subprocess

import pytest

TOP = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
ENV = {k: v for k, v in os.environ.items() if k not in ("MAKEFLAGS", "MAKELEVEL", "MFLAGS", "HANG_MOST", "FILE_MOST")}


# ---- runtests

def run_unit(tmp_path, script, **env):
    """What runtests prints about a program of unit tests, its status, and the size of the log."""
    program, tests = tmp_path / "program", tmp_path / "list"
    program.write_text(f"#!/bin/bash\n{script}\n")
    program.chmod(0o755)
    tests.write_text(f"unit\tendless\t{program}\n")
    done = subprocess.run([f"{TOP}/tools/runtests", "--build", str(tmp_path), "--list", str(tests)], env={**ENV, **env},
                          capture_output=True, text=True, timeout=120)
    return done.stdout, done.returncode, os.path.getsize(tmp_path / "test" / "unit-endless.log")


def test_a_program_that_prints_without_end_is_ended(tmp_path):
    text, status, size = run_unit(tmp_path, "exec cat /dev/zero", FILE_MOST="1000000")
    assert status == 1 and "0 passed, 1 failed" in text
    assert size <= 1000000
    assert max(map(len, text.splitlines())) < 1000, "a line of a million characters is not shown whole"


def test_a_program_that_has_no_end_is_ended(tmp_path):
    text, status, _ = run_unit(tmp_path, "exec sleep 1000", HANG_MOST="1")
    assert status == 1 and "hang" in text and "0 passed, 1 failed" in text


def test_tests_of_two_tiers_run_beside_each_other(tmp_path):
    """Each of the two ends only when the other one is there."""
    os.mkfifo(tmp_path / "meeting")
    program, tests = tmp_path / "program", tmp_path / "list"
    program.write_text(f"#!/bin/bash\nread word <{tmp_path}/meeting && echo '[  PASSED  ] 1 test(s).'\n")
    program.chmod(0o755)
    tests.write_text(f"unit\tlast\t{program}\ncheck\tfirst\techo word >{tmp_path}/meeting\n")
    done = subprocess.run([f"{TOP}/tools/runtests", "--build", str(tmp_path), "--list", str(tests), "--tier", "check,unit", "--jobs", "2"],
                          env={**ENV, "HANG_MOST": "60"}, capture_output=True, text=True, timeout=200)
    assert "2 passed, 0 failed" in done.stdout


def test_the_first_tier_begins_first(tmp_path):
    tests = tmp_path / "list"
    tests.write_text(f"check\tb\ttrue\ntools\ta\t{tmp_path}/none.py\n")
    done = subprocess.run([f"{TOP}/tools/runtests", "--build", str(tmp_path), "--list", str(tests), "--tier", "tools,check", "--jobs", "1"],
                          env=ENV, capture_output=True, text=True, timeout=200)
    assert re.findall(r"^(?:ok|FAIL) +(\w+)", done.stdout, re.M) == ["tools", "check"]


# ---- mutants

MAKEFILE = r"""
check:
	@echo tried >>$(TRIED); grep -q good source.c; s=$$?; \
	echo "ok  a 1 passed   0.1 s"; echo "$$((1 - s)) passed, $$s failed"; exit $$s
"""
FAULTS = r"""
[[file]]
path = "source.c"
tests = ["check a"]
faults = [
    ["noticed", "good", "bad"],
    ["not noticed", "plain", "odd"],
    ["explained", "other", "odd", "nobody reads it"],
]
"""


@pytest.fixture
def tree(tmp_path):
    """A tree whose test looks for one word in its source, and writes a line to `tried`."""
    top = tmp_path / "top"
    for d in ("tools", "test/mutants"):
        (top / d).mkdir(parents=True)
    for tool in ("mutants", "children.py"):
        shutil.copy(f"{TOP}/tools/{tool}", top / "tools")
    (top / "Makefile").write_text(MAKEFILE)
    (top / "source.c").write_text("good plain other\n")
    (top / "test/mutants/area.toml").write_text(FAULTS)
    subprocess.run(["git", "init", "-q"], cwd=top, check=True)
    return top


def mutants(top, *args):
    """(output, status, how often a test ran)"""
    tried = top.parent / "tried"
    tried.write_text("")
    done = subprocess.run([str(top / "tools/mutants"), "--build", str(top.parent / "build"), "--jobs", "1", *args, "area"],
                          env={**ENV, "TRIED": str(tried)}, capture_output=True, text=True, timeout=120)
    return done.stdout, done.returncode, len(tried.read_text().splitlines())


def test_each_fault_has_its_verdict(tree):
    text, status, _ = mutants(tree)
    assert "killed by check a" in text and '["not noticed", "plain", "odd"]' in text
    assert "1 killed, 1 survived, 1 explained, 0 do not build, 0 not tried" in text and status == 1


def test_a_later_run_tries_only_what_was_not_killed(tree, tmp_path):
    results = str(tmp_path / "results")
    assert mutants(tree, "--results", results)[2] == 1 + 3, "once without a fault, then once with each"
    text, _, tried = mutants(tree, "--results", results)
    assert tried == 1 + 2 and "1 killed, 1 survived, 1 explained" in text


def test_a_fault_that_has_changed_is_tried_again(tree, tmp_path):
    results = str(tmp_path / "results")
    mutants(tree, "--results", results)
    area = tree / "test/mutants/area.toml"
    area.write_text(area.read_text().replace('"bad"', '"worse"'))
    assert mutants(tree, "--results", results)[2] == 1 + 3


def test_only_the_named_rows_are_tried(tree, tmp_path):
    rows = tmp_path / "rows"
    rows.write_text("source.c: noticed\n")
    text, status, tried = mutants(tree, "--rows", str(rows))
    assert tried == 2 and "1 killed, 0 survived, 0 explained" in text and status == 0


def test_faults_whose_tests_fail_anyway_are_not_tried(tree):
    (tree / "source.c").write_text("plain other\n")
    text, status, tried = mutants(tree, "--only", "not noticed")
    assert tried == 1 and "0 killed, 0 survived, 0 explained, 0 do not build, 1 not tried" in text and status == 1
