"""``python -m kpconvx_compat.aerial OUT_DIR``: makes, or with ``--check`` checks, the aerial model."""

import argparse
import sys
from pathlib import Path


def main(arguments=None):
    """Runs the command; returns the exit status: 0, 1 if a check fails, 2 for bad usage."""
    parser = argparse.ArgumentParser(
        prog="python -m kpconvx_compat.aerial",
        description="Generates the scenes, trains the aerial model and writes it with its unseen scene.",
    )
    parser.add_argument("directory", type=Path, metavar="OUT_DIR", help="directory of the SavedModel and its files")
    mode = parser.add_mutually_exclusive_group()
    mode.add_argument("--check", action="store_true", help="evaluate what OUT_DIR holds instead of making it")
    mode.add_argument(
        "--evaluate", type=Path, metavar="MODEL.keras", help="measure another model on the unseen scene that OUT_DIR holds"
    )
    mode.add_argument("--scenes", action="store_true", help="write the scenes that are learned from into OUT_DIR as LAZ")
    mode.add_argument("--force", action="store_true", help="replace OUT_DIR if it exists")
    options = parser.parse_args(arguments)
    measures = options.check or options.evaluate
    if measures and not options.directory.is_dir():
        parser.error(f"{options.directory} is not a directory")
    if options.directory.exists() and not (measures or options.force):
        parser.error(f"{options.directory} exists; --force replaces it, --check evaluates it")
    from kpconvx_compat.aerial import train

    try:
        if options.check:
            return 0 if train.check(options.directory) else 1
        if options.evaluate:
            train.evaluate(options.evaluate, options.directory)
            return 0
        if options.scenes:
            train.write_scenes(options.directory)
            return 0
        train.build(options.directory, replace=options.force)
        return 0
    except (OSError, ValueError) as error:
        print(f"{parser.prog}: {error}", file=sys.stderr)
        return 1


if __name__ == "__main__":
    sys.exit(main())
