"""SavedModels that carry their configuration."""

import json
import shutil
from pathlib import Path

CONFIG_FILE = Path("assets.extra") / "keras_config.json"


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
