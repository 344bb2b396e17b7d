#!/usr/bin/env bash
# Makes .venv-tf218 and .venv-latest (Keras 3), .venv-keras2, .venv-tfkeras and .venv-tf212 (Keras 2) beside this file, each with
# kpconvx_compat and the versions that pyproject.toml pins for it. An environment that is complete and matches
# pyproject.toml is left as it is. `--only benchmark` makes .venv-benchmark, which has PyTorch and ONNX Runtime too and takes
# 7 GB: nothing but the benchmark needs it, so it is not made otherwise.
# Usage: setup_environments.sh [--only ENVIRONMENT]      PYTHON names the interpreter (default: python3.11)
set -euo pipefail
cd "$(dirname "$0")"

environments=(tf218 latest keras2 tfkeras tf212)
choices=("${environments[@]}" benchmark)
if [[ $# -gt 0 ]]; then
    if [[ $# -ne 2 || $1 != --only ]] || ! printf '%s\n' "${choices[@]}" | grep -qxF -e "$2"; then
        echo "usage: $0 [--only ENVIRONMENT], one of: ${choices[*]}; found: $*" >&2
        exit 2
    fi
    environments=("$2")
fi

python=${PYTHON:-python3.11}
if ! "$python" -c 'import sys; sys.exit(sys.version_info[:2] != (3, 11))' 2>/dev/null; then
    echo "Python 3.11 is needed; '$python' is not one. Set PYTHON to its path." >&2
    exit 1
fi

for environment in "${environments[@]}"; do
    folder=.venv-$environment
    if cmp -s pyproject.toml "$folder/complete"; then
        echo "$folder is complete"
        continue
    fi
    echo "making $folder"
    "$python" -m venv --clear "$folder"
    "$folder/bin/python" -m pip install --quiet --disable-pip-version-check --editable ".[$environment]"
    "$folder/bin/python" -m pip check --disable-pip-version-check
    cp pyproject.toml "$folder/complete"
done
