# SPDX-License-Identifier: BSD-2-Clause
"""meter: marks for the plugin count.c from outside the machine."""
import os
import re

BEGIN, END = b"\x01", b"\x02"


def ask(machine, command):
    """Run a command in the shell; it must do what it should."""
    answer = machine.shell(command)
    assert not re.search(r"^(error|create|destroy|list):", answer, re.M), answer
    return answer


class Meter:
    """The marks of the plugin, set from outside while the machine waits for input."""

    def __init__(self, prefix):
        self.prefix, self.names = prefix, []
        for name in ("ask", "done"):
            os.mkfifo(f"{prefix}.{name}")

    def connect(self):
        self.ask = open(self.prefix + ".ask", "wb", buffering=0)
        self.done = open(self.prefix + ".done", "rb", buffering=0)

    def mark(self, number):
        self.ask.write(number)
        assert self.done.read(1) == number, "QEMU ended"

    def begin(self):
        """A row begins here."""
        self.mark(BEGIN)

    def end(self, name):
        """The row ends here."""
        self.mark(END)
        self.names.append(name)

    def shell(self, machine, name, command):
        """A row for one command."""
        self.begin()
        answer = ask(machine, command)
        self.end(name)
        return answer

    def close(self):
        self.ask.close()
        self.done.close()
