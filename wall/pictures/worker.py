"""`python -m wall.pictures.worker`: one picture or video after another, as `frames` says, until its input ends.

It limits itself before it looks at the first byte: memory, files, no core dump, and for each picture processor time.
The studio that started it holds the clock and kills it.
"""

import json
import os
import resource
import signal
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, BinaryIO, cast

from wall.errors import PictureError
from wall.pictures import film, frames, render
from wall.pictures.ranges import RangeFile

MEMORY = 1536 * 1024 * 1024  # bytes of address space; a 2.9 kB AVIF took 1.67 GB, ordinary photographs 100 MB
DESCRIPTORS = 32


def limit_process() -> None:
    """What holds for the life of the process."""
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    resource.setrlimit(resource.RLIMIT_NOFILE, (DESCRIPTORS, DESCRIPTORS))
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))  # answers go through a pipe; there is no file to write
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C goes to the whole terminal; the studio ends us


def limit_processor(seconds: float) -> None:
    """Let the next picture use `seconds` of processor time; the kernel ends the process after that."""
    usage = resource.getrusage(resource.RUSAGE_SELF)
    spent = usage.ru_utime + usage.ru_stime
    hard = resource.getrlimit(resource.RLIMIT_CPU)[1]
    resource.setrlimit(resource.RLIMIT_CPU, (int(spent + seconds) + 1, hard))


def answer(question: dict[str, Any], ask: Callable[[int, int], bytes]) -> bytes:
    """The answer's bytes; `ask` gives a range of the video that the question is about."""
    try:
        limit_processor(float(question["seconds"]))
        if "film" in question:
            return frames.film_answer(film.film(RangeFile(int(question["film"]), ask), question["roles"]))
        return frames.answer(render.render(Path(question["path"]), question["roles"]))
    except PictureError as error:
        return frames.refusal(error)
    except MemoryError:
        return frames.refusal(PictureError("It needs more memory than one picture or video may have.", code="memory"))
    except OSError as error:
        return frames.trouble(f"The picture's file can't be read: {error.strerror or error}.")


def serve(questions: BinaryIO, answers: BinaryIO) -> None:
    def ask(start: int, length: int) -> bytes:
        answers.write(frames.want(start, length))
        answers.flush()
        (count,) = frames.LENGTH.unpack(questions.read(frames.LENGTH.size))
        return questions.read(count)

    answers.write(frames.READY)
    answers.flush()
    while len(length := questions.read(frames.LENGTH.size)) == frames.LENGTH.size:
        question = cast("dict[str, Any]", json.loads(questions.read(frames.LENGTH.unpack(length)[0])))
        answers.write(answer(question, ask))
        answers.flush()


def main() -> None:
    limit_process()
    # what a library prints must not end up among the answers
    answers = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)
    serve(sys.stdin.buffer, answers)


if __name__ == "__main__":
    main()
