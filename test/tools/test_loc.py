# SPDX-License-Identifier: BSD-2-Clause
"""tools/loc: it counts the lines from which the ordinary image is built, and those that are linked into control."""
import importlib.machinery
import importlib.util
import os

TOP = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
loader = importlib.machinery.SourceFileLoader("loc", os.path.join(TOP, "tools", "loc"))
loc = importlib.util.module_from_spec(importlib.util.spec_from_loader("loc", loader))
loader.exec_module(loc)


def test_blank_lines_and_comments_do_not_count():
    assert loc.code_lines('int a;\n\n/* one\n * two */\n// three\nchar *s = "/* text */";\n\tint b; /* why */\n') == 3


def test_the_checked_branch_and_its_directives_do_not_count():
    assert loc.code_lines("int a;\n#ifdef CHECKED\nint b;\n#else\nint c;\nint d;\n#endif\nint e;\n") == 4
    assert loc.code_lines("#ifndef CHECKED\nint a;\n#else\nint b;\nint c;\n#endif\n") == 1


def test_conditionals_inside_the_checked_branch_go_with_it():
    assert loc.code_lines("#ifdef CHECKED\n#if A\nint a;\n#else\nint b;\n#endif\nint c;\n#endif\nint d;\n") == 1


def test_other_conditionals_count_with_all_their_branches():
    assert loc.code_lines("#ifdef __ASSEMBLY__\n#define A 1\n#else\nint a;\n#ifdef CHECKED\nint b;\n#endif\n#endif\n") == 5


SOURCE = """#include "a.h"

/* used(1) */
static int used(int a) { return a; }

void dropped(
	int a)
{
	if (a) {
		(void)used(a);
	}
}

int last(void)
{
	return used(1);
}
"""
MAP = """Discarded input sections

 .text.dropped  0x0000000000000000       0x20 build/lib/libsk_x.a(one.o)
 .text.empty    0x0000000000000000        0x0 build/lib/libsk_x.a(one.o)
 .text.all      0x0000000000000000       0x20 build/lib/libsk_x.a(none.o)

Linker script and memory map

 .text.last     0x0000000000400000       0x20 build/lib/libsk_x.a(one.o)
 .text          0x0000000000400020        0x0 build/lib/libsk_x.a(none.o)
 .data.table    0x0000000000400040       0x20 build/obj/dom-control/services/control/main.o
 .text.printf   0x0000000000400060       0x20 build/sysroot/lib/libc.a(libc_a-printf.o)
"""


def test_of_a_program_counts_what_is_linked(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for path in ("libs/x/one.c", "libs/x/none.c", "services/control/main.c"):
        os.makedirs(os.path.dirname(path), exist_ok=True)
        open(path, "w").write(SOURCE)
    os.makedirs("build/bin")
    open("build/bin/control.map", "w").write(MAP)
    assert loc.function_lines(SOURCE, "used") == 1
    assert loc.function_lines(SOURCE, "dropped") == 7
    assert loc.program_lines("build", "control") == {"libs/x/one.c": 6, "services/control/main.c": 13}


def test_a_control_that_is_too_large_fails(tmp_path, monkeypatch):
    monkeypatch.setattr(loc, "program_lines", lambda build, program: {"a.c": loc.CONTROL_BUDGET + 1})
    assert not loc.control_check(tmp_path)
    monkeypatch.setattr(loc, "program_lines", lambda build, program: {"a.c": loc.CONTROL_BUDGET})
    assert loc.control_check(tmp_path)
