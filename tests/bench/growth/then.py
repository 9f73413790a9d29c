"""Runs a Python module at another time:
`python -m tests.bench.growth.then SHIFT_S python -m MODULE …`.

A log of three years is filled within minutes. So that its newest activities are of just now at each
stage, the server that is measured lives in the log's time.
"""

from __future__ import annotations

import runpy
import sys
import time

import time_machine


def main() -> None:
    shift_s = float(sys.argv[1])
    module = sys.argv[4]
    sys.argv = [module, *sys.argv[5:]]
    time_machine.travel(time.time() + shift_s, tick=True).start()
    runpy.run_module(module, run_name="__main__", alter_sys=True)


if __name__ == "__main__":
    main()
