"""The process in which one preview is rendered: `python -m trailkeeper.assets.template_process`.

It limits its own time and memory, opens no files, reads one request from its standard input and
writes one answer. What goes wrong beyond that ends it, and it alone.
"""

from __future__ import annotations

import math
import resource
import sys

import msgspec

from trailkeeper.assets.template_language import check_template, rendered
from trailkeeper.assets.templates import CPU_MAX_S, MEMORY_MAX_BYTES, Answer, Request

TOO_MUCH_MEMORY = f"needs more than {MEMORY_MAX_BYTES // 1024**2} MiB of memory"


def main() -> None:
    request = msgspec.json.decode(sys.stdin.buffer.read(), type=Request)
    check_template("")  # so that all is loaded before nothing can be opened any more
    _limit()
    sys.stdout.buffer.write(msgspec.json.encode(_answer(request)))


def _answer(request: Request) -> Answer:
    texts: dict[str, str] = {}
    for name, template in request.templates.items():
        try:
            texts[name] = rendered(template, request.data)
        except ValueError as error:
            return Answer(wrong_in=name, why=str(error))
        except MemoryError:
            return Answer(wrong_in=name, why=TOO_MUCH_MEMORY)
        except Exception as error:  # noqa: BLE001 # a filter may fail in any way
            return Answer(wrong_in=name, why=f"a filter failed: {type(error).__name__}")
    return Answer(texts=texts)


def _limit() -> None:
    used = resource.getrusage(resource.RUSAGE_SELF)
    seconds = math.ceil(used.ru_utime + used.ru_stime + CPU_MAX_S)
    for what, most in (
        (resource.RLIMIT_CPU, seconds),
        (resource.RLIMIT_AS, MEMORY_MAX_BYTES),
        (resource.RLIMIT_CORE, 0),
        (resource.RLIMIT_FSIZE, 0),
        (resource.RLIMIT_NOFILE, 3),
        (resource.RLIMIT_NPROC, 0),
    ):
        resource.setrlimit(what, (most, most))


if __name__ == "__main__":
    main()
