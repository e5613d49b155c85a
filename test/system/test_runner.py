# SPDX-License-Identifier: BSD-2-Clause
"""The test runner itself, with a kernel that panics."""
import os
import subprocess

from harness import TOP


def test_a_panic_ends_a_kernel_test_at_once(build, tmp_path):
    (tmp_path / "bad.img").write_bytes(b"no archive" * 1000)
    (tmp_path / "list").write_text(f"kernel\tbad\t{tmp_path}/bad.img\t1\tmax,-smap,-monitor\t{build.kernel}\t\t\t\n")
    done = subprocess.run([os.path.join(TOP, "tools", "runtests"), "--build", str(tmp_path), "--list", str(tmp_path / "list")],
                          capture_output=True, text=True)
    assert done.returncode == 1 and "PANIC boot archive" in done.stdout, done.stdout
