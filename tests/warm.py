"""Processes of the program that start in milliseconds: forks of one that has loaded it already.

Most of a start is loading, and the tests start hundreds of servers and commands. Each is a process
of its own as `python -m trailkeeper …` would be: with its own arguments, environment, folder and
standard streams, no other file, no thread and no database from before, and an exit code. It is
ended when the tests' process ends.

As a program this file is the process that forks: a message on its socket is a process to make,
with the three streams and a pipe, which is told the new process's id and at last how it ended.
"""

from __future__ import annotations

import ctypes
import gc
import json
import os
import select
import signal
import socket
import struct
import subprocess
import sys
import tempfile
import threading
from contextlib import ExitStack, suppress
from importlib import import_module
from pathlib import Path
from typing import IO, Any

MESSAGE_MAX = 64 * 1024
OURS = "TRAILKEEPER_"
NOT_OURS = "PYTEST_"
"""Variables that pytest changes from test to test, and that the program does not read."""

_NUMBER = struct.Struct("!i")
_PR_SET_PDEATHSIG = 1


class Process:
    """A process that has been made; all is as with subprocess.Popen."""

    def __init__(self, args: list[str], answers: int) -> None:
        self.args = args
        self.returncode: int | None = None
        self._answers = answers
        self._lock = threading.Lock()
        self.pid = self._next()

    def poll(self) -> int | None:
        with self._lock:
            if self.returncode is None and self._has_answer(0):
                self.returncode = self._next()
                os.close(self._answers)
            return self.returncode

    def wait(self, timeout: float | None = None) -> int:
        if self.returncode is None:
            self._has_answer(timeout)  # without the lock: another thread may send a signal
        if (code := self.poll()) is None:
            raise subprocess.TimeoutExpired(self.args, timeout or 0)
        return code

    def send_signal(self, number: int) -> None:
        if self.poll() is None:
            with suppress(ProcessLookupError):
                os.kill(self.pid, number)

    def terminate(self) -> None:
        self.send_signal(signal.SIGTERM)

    def kill(self) -> None:
        self.send_signal(signal.SIGKILL)

    def _has_answer(self, timeout: float | None) -> bool:
        poller = select.poll()
        poller.register(self._answers, select.POLLIN)
        return bool(poller.poll(None if timeout is None else timeout * 1000))

    def _next(self) -> int:
        answer = os.read(self._answers, _NUMBER.size)
        if len(answer) < _NUMBER.size:
            raise EOFError("the process that forks has ended")
        return _NUMBER.unpack(answer)[0]


class Warm:
    """The process that forks, which is started at first use."""

    def __init__(self) -> None:
        self._environment = _others(os.environ)
        self._lock = threading.Lock()
        self._process: subprocess.Popen[bytes] | None = None
        self._line: socket.socket | None = None
        self._log: IO[bytes] | None = None

    def makes(self, environment: dict[str, str]) -> bool:
        """Whether a process with this environment can be a fork: all but the program's own
        settings may have been read while it was loaded."""
        is_wanted = not os.environ.get("TRAILKEEPER_TEST_COLD")
        return is_wanted and _others(environment) == self._environment

    def start(
        self,
        arguments: list[str],
        environment: dict[str, str],
        stdin: IO[Any] | None = None,
        stdout: IO[Any] | None = None,
        stderr: IO[Any] | None = None,
    ) -> Process:
        """`python -m trailkeeper` with these arguments. A stream that is None is the caller's."""
        settings = {name: value for name, value in environment.items() if name.startswith(OURS)}
        order = {"arguments": arguments, "settings": settings, "folder": str(Path.cwd())}
        ours, theirs = os.pipe()
        streams = [
            n if one is None else one.fileno() for n, one in enumerate((stdin, stdout, stderr))
        ]
        try:
            socket.send_fds(self._connected(), [json.dumps(order).encode()], [*streams, theirs])
        finally:
            os.close(theirs)
        try:
            return Process(arguments, ours)
        except EOFError:
            assert self._log is not None
            self._log.seek(0)
            raise AssertionError(self._log.read().decode()) from None

    def run(
        self, arguments: list[str], environment: dict[str, str], stdin: str, timeout: float
    ) -> subprocess.CompletedProcess[str]:
        """As subprocess.run with text and captured output."""
        with ExitStack() as stack:
            given, out, err = (
                stack.enter_context(tempfile.TemporaryFile("w+", encoding="utf-8"))
                for _ in range(3)
            )
            given.write(stdin)
            given.seek(0)
            process = self.start(arguments, environment, given, out, err)
            try:
                code = process.wait(timeout)
            finally:
                process.kill()
            out.seek(0)
            err.seek(0)
            return subprocess.CompletedProcess(arguments, code, out.read(), err.read())

    def close(self) -> None:
        """End the process that forks, and what it has made."""
        with self._lock:
            for part in (self._line, self._log):
                if part is not None:
                    part.close()
            if self._process is not None:
                self._process.wait(30)
            self._line = self._log = self._process = None

    def _connected(self) -> socket.socket:
        with self._lock:
            if self._line is None:
                self._log = tempfile.TemporaryFile()  # noqa: SIM115 closed with the rest
                self._line, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
                with theirs:
                    self._process = subprocess.Popen(
                        [sys.executable, "-P", __file__, str(theirs.fileno())],
                        stdin=subprocess.DEVNULL,
                        stdout=self._log,
                        stderr=self._log,
                        pass_fds=[theirs.fileno()],
                    )
            return self._line


def _others(environment: Any) -> dict[str, str]:
    return {
        name: value for name, value in environment.items() if not name.startswith((OURS, NOT_OURS))
    }


WARM = Warm()


def _main(line: socket.socket) -> None:
    """Fork until the tests' process ends; returns in the forks, too, which then are the program."""
    poller = select.poll()
    poller.register(line, select.POLLIN)
    running: dict[int, tuple[int, int]] = {}
    while True:
        for ready, _ in poller.poll():
            if ready in running:
                pid, answers = running.pop(ready)
                code = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
                with suppress(BrokenPipeError):
                    os.write(answers, _NUMBER.pack(code))
                poller.unregister(ready)
                os.close(ready)
                os.close(answers)
                continue
            message, files, _, _ = socket.recv_fds(line, MESSAGE_MAX, 4)
            if not message:
                sys.exit(0)
            *streams, answers = files
            parent = os.getpid()
            pid = os.fork()
            if pid == 0:
                line.detach()
                _become(json.loads(message), streams, parent)
                return
            watched = os.pidfd_open(pid)
            running[watched] = (pid, answers)
            poller.register(watched, select.POLLIN)
            os.write(answers, _NUMBER.pack(pid))
            for stream in streams:
                os.close(stream)


def _become(order: Any, streams: list[int], parent: int) -> None:
    for number, stream in enumerate(streams):
        os.dup2(stream, number)
    os.closerange(3, os.sysconf("SC_OPEN_MAX"))
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent:
        os._exit(1)
    for name in filter(lambda name: name.startswith(OURS), list(os.environ)):
        del os.environ[name]
    os.environ.update(order["settings"])
    os.chdir(order["folder"])
    sys.path.insert(0, order["folder"])
    sys.modules["__main__"] = program
    sys.argv = [str(program.__file__), *order["arguments"]]


def _check_untouched(line: int) -> None:
    """What a thread or an open file of this process would be in its forks differs from a start of
    their own."""
    assert len(list(Path("/proc/self/task").iterdir())) == 1
    for number in Path("/proc/self/fd").iterdir():
        # The listing's own file is closed by now.
        assert int(number.name) in {0, 1, 2, line} or not number.exists(), (
            number,
            number.readlink(),
        )


LOADED = ("trailkeeper.cli.server", "litestar.plugins.pydantic", "uvloop")
"""What a server loads, be it at once or later."""

if __name__ == "__main__":
    import trailkeeper.__main__ as program
    from trailkeeper.identity.passwords import make_ready

    for module in LOADED:
        import_module(module)
    make_ready()  # the hash to compare with for unknown users, which is like any other
    inherited = int(sys.argv[1])
    _check_untouched(inherited)
    gc.collect()
    gc.freeze()
    _main(socket.socket(fileno=inherited))
    program.main()
