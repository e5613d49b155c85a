# SPDX-License-Identifier: BSD-2-Clause
"""pytest set-up for the system tests: where the build is, and a fixture that starts machines."""
import os
import sys

import pytest

TOP = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
sys.path.insert(0, os.path.join(TOP, "test", "system"))

from harness import Build, Machine  # noqa: E402


@pytest.fixture(scope="session")
def build():
    """Paths of the build under test (SKERRY_BUILD, otherwise build/)."""
    return Build(os.environ.get("SKERRY_BUILD", os.path.join(TOP, "build")))


@pytest.fixture
def machine(build, request, tmp_path):
    """machine(guests=DIR, smp=2, ...) starts a host. All hosts are ended after the test; if it failed, their logs are shown."""
    started = []

    def start(**options):
        name = request.node.name.replace("/", "_")
        m = Machine(build, name=f"{name}-{len(started)}" if started else name, **options)
        started.append(m)
        return m

    yield start
    for m in started:
        m.close()
    report = getattr(request.node, "report_call", None)
    if report is not None and report.failed:
        for m in started:
            print(f"\n---- end of {m.log_path}\n{m.tail()}")


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item, call):
    outcome = yield
    report = outcome.get_result()
    if report.when == "call":
        item.report_call = report
