"""How fast the bot's model worker writes, compared with every peer that is installed.

    python -m tests.benchmarks.throughput [--precision int8] [--rounds 3] [--json FILE]
                                          [--processor avx2 [--llama-cpp FOLDER]] [--resume]

Speed does not depend on the values of the weights, so by default a random model
of GPT-2 Large's shape is made in a temporary folder, and converted there for each
peer. In every round the worker runs beside each peer once, both in processes of their own:
they take turns at the same tasks, four times. A speed is that of the fastest try, a ratio that
of two tries in a row, so a machine that is slower for a minute is slower for both. The
memory's bandwidth is measured before and after. The program prints the medians and spreads of
all that, and which of the worker's bars are met; the exit status is 1 if one is missed or a
program failed.

``tests/benchmarks/requirements.txt`` says how to install the peers; those not
installed are left out. With ``--processor``, every program is kept to the instructions
of a lesser one; those that cannot be are left out.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import get_args

from bot.model.cores import usable_cores
from tests.benchmarks import peers
from tests.benchmarks.comparison import Comparison, Results
from tests.benchmarks.limits import Limited, ProcessorLimit
from tests.benchmarks.models import SHAPES, is_large, linked_model, random_model, weights_a_token
from tests.benchmarks.report import Report
from tests.benchmarks.workload import GENERATE, OURS_IN_FLOAT32, Beside, Figures, Precision


def main() -> int:
    options = parse()
    limited = Limited(options.processor, options.llama_cpp)
    programs = [name for name in options.program if not obstacle(name, limited)]
    with folder(options.files) as files:
        model = linked_model(options.model, files) if options.model else random_model(options.shape, files)
        earlier = rounds_in(options.json) if options.resume else {}
        comparison = Comparison(model, files, options.threads, programs, limited, earlier)
        asyncio.run(comparison.run(options.precision, options.rounds))
        float32 = comparison.results.get("float32", {})
        reports = [
            Report(
                *(precision, results, weights_a_token(model), is_large(model)),
                limited=options.processor is not None,
                usual=[pair.other.load for pair in results.get(GENERATE) or float32.get(GENERATE) or ()],
            )
            for precision, results in comparison.results.items()
        ]
    remarks = list(notes(options.program, limited, comparison.failures))
    if options.json:
        run = {
            "threads": options.threads,
            "processor": options.processor,
            "notes": remarks,
            "figures": [report.plain() for report in reports],
        }
        options.json.write_text(json.dumps(run, indent=2) + "\n")
    for report in reports:
        print(f"\n{report}\n")
    print("\n".join(remarks))
    return 0 if all(report.met for report in reports) and not comparison.failures else 1


def obstacle(name: str, limited: Limited) -> str | None:
    """Why the program ``name`` is left out; None if it is not."""
    if name == OURS_IN_FLOAT32:
        return None
    if lacking := peers.missing(name):
        return f"not installed: {', '.join(lacking)}"
    return limited.obstacle(name)


def notes(programs: list[str], limited: Limited, failures: list[str]) -> Iterator[str]:
    """How each peer was set up, so that readers can judge whether the comparison is fair."""
    for name in programs:
        if name == OURS_IN_FLOAT32:
            continue
        if reason := obstacle(name, limited):
            yield f"- {name} is left out; {reason}"
        else:
            installed = ", ".join(" ".join(pair) for pair in peers.versions(name).items())
            yield f"- {name} ({installed}): {peers.peer(name).NOTE}"
    yield from (f"- failed: {failure}" for failure in failures)


def parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--shape", choices=SHAPES, default="gpt2-large", help="shape of the random model")
    parser.add_argument("--model", type=Path, help="a model's folder instead of a random one")
    for name, choices, default in (
        ("--precision", get_args(Precision), "float32"),
        ("--program", (*peers.NAMES, OURS_IN_FLOAT32), "all that are installed"),
    ):
        parser.add_argument(
            name, choices=choices, action="append", help=f"can be repeated; default: {default}"
        )
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--threads", type=int, default=usable_cores())
    parser.add_argument("--json", type=Path, metavar="FILE", help="also write all figures there")
    parser.add_argument("--resume", action="store_true", help="add the rounds to those in --json's file")
    parser.add_argument("--files", type=Path, metavar="FOLDER", help="keep the models here for the next run")
    parser.add_argument(
        "--processor", choices=get_args(ProcessorLimit), help="keep all programs to such a one's instructions"
    )
    parser.add_argument(
        "--llama-cpp",
        type=Path,
        metavar="FOLDER",
        help="a llama-cpp-python that was built for --processor, by pip install --target",
    )
    options = parser.parse_args()
    if options.resume and not options.json:
        parser.error("--resume needs --json")
    options.precision = options.precision or ["float32"]
    options.program = options.program or [*peers.NAMES, *([OURS_IN_FLOAT32] if options.processor else [])]
    return options


def rounds_in(file: Path) -> Results:
    """The figures of each round that an earlier run wrote; none if there was no such run."""
    if not file.exists():
        return {}
    return {
        report["precision"]: {
            name: [Beside(Figures(**pair["worker"]), Figures(**pair["other"])) for pair in pairs]
            for name, pairs in report["pairs"].items()
        }
        for report in json.loads(file.read_text())["figures"]
    }


@contextmanager
def folder(given: Path | None) -> Iterator[Path]:
    if given is not None:
        yield given
        return
    with tempfile.TemporaryDirectory() as temporary:
        yield Path(temporary)


if __name__ == "__main__":
    raise SystemExit(main())
