"""How models are written: SavedModels that carry their configuration, and archives whose bytes can be repeated."""

import json
import re
import shutil
import zipfile
from contextlib import contextmanager
from pathlib import Path

CONFIG_FILE = Path("assets.extra") / "keras_config.json"
FIXED_DATE = (1980, 1, 1, 0, 0, 0)
SHARED_OBJECT = re.compile(rb'(?<="shared_object_id": )\d+')


def export_saved_model(model, directory):
    """Writes `model.export(directory)` with the model's configuration in `assets.extra/keras_config.json`.

    A Keras 3 SavedModel holds weights and graphs only; with the configuration beside them the network can be rebuilt.
    Raises FileExistsError if `directory` exists. Nothing appears at `directory` before it is complete.
    """
    directory = Path(directory)
    if directory.exists():
        raise FileExistsError(f"the SavedModel goes to a new directory; {directory} exists")
    partial = directory.with_name(directory.name + ".partial")
    shutil.rmtree(partial, ignore_errors=True)
    model.export(str(partial), verbose=False)
    config = partial / CONFIG_FILE
    config.parent.mkdir(exist_ok=True)
    config.write_text(json.dumps(json.loads(model.to_json()), indent=1) + "\n")
    partial.rename(directory)


def save_archive(model, path):
    """Writes `model.save(path)`, a .keras archive, so that its bytes depend on the model alone.

    Keras puts into it the time, and as `shared_object_id` the addresses of objects, which are numbered instead.
    """
    path = Path(path)
    model.save(path)
    with zipfile.ZipFile(path) as read:
        entries = [(info, read.read(info)) for info in read.infolist()]
    partial = path.with_suffix(".partial")
    with zipfile.ZipFile(partial, "w") as write:
        for info, content in entries:
            if info.filename == "metadata.json":
                content = json.dumps({**json.loads(content), "date_saved": "1980-01-01@00:00:00"}).encode()
            if info.filename == "config.json":
                numbers = {}
                content = SHARED_OBJECT.sub(lambda found: b"%d" % numbers.setdefault(found[0], len(numbers)), content)
            fixed = zipfile.ZipInfo(info.filename, FIXED_DATE)
            fixed.compress_type = info.compress_type
            write.writestr(fixed, content)
    partial.replace(path)


@contextmanager
def replacing(directory):
    """A new folder to write in, which takes the place of `directory` when the block ends; after an error it is gone."""
    directory = Path(directory)
    partial = directory.with_name(directory.name + ".partial")
    shutil.rmtree(partial, ignore_errors=True)
    partial.mkdir(parents=True)
    try:
        yield partial
    except BaseException:
        shutil.rmtree(partial)
        raise
    shutil.rmtree(directory, ignore_errors=True)
    partial.rename(directory)
