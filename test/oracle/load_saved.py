"""Opens saved models with transformers and compares what they give.

    VITREOUS_SAVED=DIR npx vitest run test/saved.test.ts
    python test/oracle/load_saved.py DIR [--only TEXT...]

Every folder with an expected/expected.safetensors is loaded by the class that its config.json names (and by
AutoModelForImageClassification where that knows it): no weight may be missing, left over or of another shape, the logits of
`input` must be `logits` within 1e-4 of their largest, and AutoImageProcessor must make `pixels` of expected/picture.png
within 1e-4 (values are about -2 to 2).
"""

from __future__ import annotations

import argparse
import json
import pathlib
import sys

import numpy as np
import PIL.Image
import torch
import transformers
from safetensors.numpy import load_file

TOLERANCE = 1e-4


def check(folder: pathlib.Path) -> tuple[float, float]:
    """The largest errors of the logits, relative, and of the pixels."""
    expected = load_file(folder / "expected" / "expected.safetensors")
    config = json.loads((folder / "config.json").read_text())
    [name] = config["architectures"]
    model, report = getattr(transformers, name).from_pretrained(folder, output_loading_info=True)
    problems = {kind: list(found) for kind, found in report.items() if found}
    if problems:
        raise ValueError(str(problems))
    named = [model.config.id2label[i] for i in range(model.config.num_labels)]
    if named != [config["id2label"][str(i)] for i in range(len(named))]:
        raise ValueError(f"other labels: {named}")
    with torch.no_grad():
        got = model.eval()(torch.from_numpy(expected["input"])).logits.numpy()
    logits = float(np.abs(got - expected["logits"]).max() / np.abs(expected["logits"]).max())
    picture = PIL.Image.open(folder / "expected" / "picture.png")
    processor = transformers.AutoImageProcessor.from_pretrained(folder)
    pixels = processor(picture, return_tensors="pt")["pixel_values"].numpy()
    if pixels.shape != expected["pixels"].shape:
        raise ValueError(f"pixels {pixels.shape}, not {expected['pixels'].shape}")
    return logits, float(np.abs(pixels - expected["pixels"]).max())


def main() -> int:
    parser = argparse.ArgumentParser()
    parser.add_argument("folder", type=pathlib.Path)
    parser.add_argument("--only", nargs="*", default=[])
    arguments = parser.parse_args()
    transformers.logging.set_verbosity_error()
    transformers.logging.disable_progress_bar()
    folders = sorted(path.parents[1] for path in arguments.folder.glob("*/expected/expected.safetensors"))
    failed = 0
    for folder in folders:
        if arguments.only and not any(text in folder.name for text in arguments.only):
            continue
        try:
            logits, pixels = check(folder)
            good = max(logits, pixels) <= TOLERANCE
            print(f"{'ok  ' if good else 'FAIL'} logits {logits:.1e} pixels {pixels:.1e} {folder.name}")
        except Exception as error:  # noqa: BLE001 - every case is told
            good = False
            print(f"FAIL {folder.name}: {type(error).__name__}: {error}")
        failed += not good
    print(f"{len(folders)} models, {failed} failed; transformers {transformers.__version__}")
    return 1 if failed or not folders else 0


if __name__ == "__main__":
    sys.exit(main())
