# SPDX-License-Identifier: BSD-2-Clause
"""test/system/inject_report.py counts each place once, and names those that no try has reached."""
import os
import subprocess
import sys

REPORT = os.path.join(os.path.dirname(__file__), "..", "system", "inject_report.py")
sys.path.insert(0, os.path.dirname(REPORT))
import inject_report  # noqa: E402


def test_places_are_counted_once(tmp_path):
    path = tmp_path / "inject.txt"
    inject_report.add(path, "crash", "storage", ["OPEN", "TAKEN/BLK", "CLOSE"], {"OPEN"})
    inject_report.add(path, "crash", "storage", ["TAKEN/BLK", "CLOSE"], {"TAKEN/BLK"})  # the second try
    inject_report.add(path, "index", "storage", ["TAKEN/BLK"], {"TAKEN/BLK"})
    inject_report.add(path, "index", "files", ["TAKEN/FILES"], {"TAKEN/FILES"})
    text = subprocess.run([sys.executable, REPORT, path], check=True, capture_output=True, text=True).stdout
    assert text.splitlines() == ["| component | crash | index |", "| --- | --- | --- |", "| storage | 2 of 3 | 1 of 1 |", "| files | - | 1 of 1 |",
                                 "", "4 of 5 places", "not reached: crash of storage at CLOSE"]
