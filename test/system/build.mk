# SPDX-License-Identifier: BSD-2-Clause
# System tests are the files test_*.py here and one directory below; the Makefile finds them by name.
# tools/runtests runs each file by itself, two at a time.
