# SPDX-License-Identifier: BSD-2-Clause
"""tools/loc: it counts the lines from which the ordinary image is built."""
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
