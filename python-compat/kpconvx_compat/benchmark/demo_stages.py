"""``python -m kpconvx_compat.benchmark.demo_stages FORM SHIPPED OUT.las``: the demo's stages in Python, one by one.

Prints a line of JSON: for each of :data:`STAGES` its time; ``since_start_ms``, from the start of the process to the first
tile's answer, with Python's own start, all imports, and the reading; ``points``.
"""

import argparse
import json
import sys
import time
from pathlib import Path

from kpconvx_compat.benchmark.cold_start import loader, since_start_ms

STAGES = ("read_ms", "neighbourhoods_ms", "load_ms", "first_answer_ms", "predictions_ms", "write_ms")
FORMS = {"keras": "aerial.keras", "savedmodel": "."}
TOLERANCE = 1e-5


def main(arguments=None):
    parser = argparse.ArgumentParser(prog="python -m kpconvx_compat.benchmark.demo_stages")
    parser.add_argument("form", choices=FORMS)
    parser.add_argument("shipped", type=Path)
    parser.add_argument("out", type=Path)
    options = parser.parse_args(arguments)
    import laspy
    import numpy as np

    from kpconvx_compat.aerial import pipeline

    load = loader(options.form)
    times, last = {}, time.perf_counter()

    def done(stage):
        nonlocal last
        now = time.perf_counter()
        times[stage] = (now - last) * 1e3
        last = now

    parameters = pipeline.PipelineParameters.from_file(options.shipped / "assets.extra" / "pipeline.json")
    points = pipeline.read_points(options.shipped / "scene.laz")
    done("read_ms")
    columns = pipeline.features(points, parameters)
    tiles = pipeline.tiles(points, parameters)
    inputs = [pipeline.tile_inputs(points, columns, tile, parameters) for tile in tiles]
    done("neighbourhoods_ms")
    call = load(str(options.shipped / FORMS[options.form]))
    done("load_ms")
    call(*inputs[0])
    done("first_answer_ms")
    times["since_start_ms"] = since_start_ms()
    last = time.perf_counter()
    probabilities = np.zeros((len(points), len(parameters.classes)), np.float32)
    for tile, given in zip(tiles, inputs):
        probabilities[tile.index[tile.core]] = call(*given)[0][tile.core]
    done("predictions_ms")
    las = laspy.read(options.shipped / "scene.laz")
    las.classification = parameters.codes[probabilities.argmax(axis=1)]
    las.write(options.out)
    done("write_ms")

    right = np.load(options.shipped / "predictions.npz")["probabilities"]
    difference = float(np.abs(probabilities - right).max())
    if not difference <= TOLERANCE:
        print(f"ValueError: probabilities differ by {difference:.3g} from those shipped, at most {TOLERANCE:g} is right", file=sys.stderr)
        return 1
    print(json.dumps({**times, "points": len(points)}))
    return 0


if __name__ == "__main__":
    sys.exit(main())
