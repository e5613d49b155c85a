#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause
"""old_faults: do the checkers of the kernel's core still find the faults that it once had?

  old_faults.py names                  the faults of old/faults.toml, one a line: name, tool, source file
  old_faults.py write NAME FILE        the source with that fault
  old_faults.py run NAME=PROGRAM...    run each program with the fault's arguments: it must fail, and say what is wrong
"""
import os
import re
import resource
import subprocess
import sys
import time
import tomllib

HERE = os.path.dirname(os.path.abspath(__file__))
CPU_SECONDS, HANG = 60, 900 # within which a fault must be found: CPU time, and time on a busy machine


def faults():
    with open(os.path.join(HERE, "old", "faults.toml"), "rb") as f:
        return {fault["name"]: fault for fault in tomllib.load(f)["fault"]}


def write(fault, path):
    with open(fault["file"]) as f:
        text = f.read()
    if text.count(fault["old"]) != 1:
        sys.exit(f"old_faults: {fault['name']}: its text occurs {text.count(fault['old'])} times in {fault['file']}, not once")
    with open(path, "w") as f:
        f.write(text.replace(fault["old"], fault["new"]))


def found(fault, program):
    """Whether the program finds the fault, and what it says."""
    try:
        done = subprocess.run([program, *fault["what"].split()], stdin=subprocess.DEVNULL, capture_output=True, text=True,
                              errors="replace", timeout=HANG,
                              preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_CPU, (CPU_SECONDS, CPU_SECONDS)))
    except subprocess.TimeoutExpired:
        return False, "nothing within the limit"
    text = done.stdout + done.stderr
    match = re.search(f"^.*({fault['finds']}).*$", text, re.M) if done.returncode else None
    return bool(match), match[0].strip()[:110] if match else text.strip().splitlines()[-1:]


def run(programs):
    lost = 0
    for name, program in (p.split("=", 1) for p in programs):
        started = time.monotonic()
        ok, says = found(faults()[name], program)
        lost += not ok
        print(f"{'found' if ok else 'LOST'} {name} in {time.monotonic() - started:.1f} s: {says}", flush=True)
    print(f"[  PASSED  ] {len(programs) - lost} test(s).")
    if lost:
        print(f"[  FAILED  ] {lost} test(s), listed above")
    return 1 if lost else 0


if __name__ == "__main__":
    if sys.argv[1:] == ["names"]:
        print("\n".join(f"{f['name']} {f['tool']} {f['file']}" for f in faults().values()))
    elif len(sys.argv) == 4 and sys.argv[1] == "write":
        write(faults()[sys.argv[2]], sys.argv[3])
    elif sys.argv[1:2] == ["run"]:
        sys.exit(run(sys.argv[2:]))
    else:
        sys.exit(__doc__)
