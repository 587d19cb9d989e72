"""`make bench`: run every benchmark, or those whose names are given."""

import asyncio
import sys

from rich.console import Console

from benchmarks import planning, rollouts, sends

ALL = {
    "planning": planning.run,
    "rollouts": rollouts.run,
    "arming": sends.arming,
    "redating": sends.redating,
    "burst": sends.burst,
    "rest": sends.rest,
}


def main() -> None:
    console = Console(highlight=False, soft_wrap=True)
    for name in sys.argv[1:] or ALL:
        if name not in ALL:
            sys.exit(f"There is no benchmark {name!r}: choose from {', '.join(ALL)}.")
        asyncio.run(ALL[name](console))


if __name__ == "__main__":
    main()
