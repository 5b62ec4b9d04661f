"""Opens saved models with transformers, or timm, and compares what they give.

    VITREOUS_SAVED=DIR npx vitest run test/saved.test.ts
    python test/oracle/load_saved.py DIR [--only TEXT...]

Every folder with an expected/expected.safetensors is loaded: by the class of transformers that its config.json names, or by
timm where it names an architecture of timm's. No weight may be missing, left over or of another shape, the logits of
`input` must be `logits` within 1e-4 of their largest, and the library's own preparation of expected/picture.png must give
`pixels` within 1e-4 (values are about -2 to 2).
"""

from __future__ import annotations

import argparse
import json
import pathlib
import sys

import numpy as np
import PIL.Image
import timm
import timm.data
import torch
import transformers
from safetensors.numpy import load_file

TOLERANCE = 1e-4


def with_transformers(folder: pathlib.Path, config: dict):
    """The logits of a batch, and the pixels of a picture."""
    [name] = config["architectures"]
    model, report = getattr(transformers, name).from_pretrained(folder, output_loading_info=True)
    problems = {kind: list(found) for kind, found in report.items() if found}
    if problems:
        raise ValueError(str(problems))
    named = [model.config.id2label[i] for i in range(model.config.num_labels)]
    if named != [config["id2label"][str(i)] for i in range(len(named))]:
        raise ValueError(f"other labels: {named}")
    processor = transformers.AutoImageProcessor.from_pretrained(folder)
    return lambda x: model.eval()(x).logits, lambda picture: processor(picture, return_tensors="pt")["pixel_values"]


def with_timm(folder: pathlib.Path, config: dict):
    """The same. timm loads strictly."""
    model = timm.create_model(f"local-dir:{folder}", pretrained=True).eval()
    if list(model.pretrained_cfg["label_names"]) != config["label_names"]:
        raise ValueError(f"other labels: {model.pretrained_cfg['label_names']}")
    transform = timm.data.create_transform(**timm.data.resolve_model_data_config(model))
    # Of two classifiers timm gives the mean when it evaluates, as is expected here.
    mode = "L" if model.pretrained_cfg["input_size"][0] == 1 else "RGB"
    return model, lambda picture: transform(picture.convert(mode))[None]


def check(folder: pathlib.Path) -> tuple[float, float]:
    """The largest errors of the logits, relative, and of the pixels."""
    expected = load_file(folder / "expected" / "expected.safetensors")
    config = json.loads((folder / "config.json").read_text())
    logits_of, pixels_of = (with_timm if "architecture" in config else with_transformers)(folder, config)
    with torch.no_grad():
        got = logits_of(torch.from_numpy(expected["input"])).numpy()
    logits = float(np.abs(got - expected["logits"]).max() / np.abs(expected["logits"]).max())
    pixels = np.asarray(pixels_of(PIL.Image.open(folder / "expected" / "picture.png").convert("RGB")))
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
    print(f"{len(folders)} models, {failed} failed; transformers {transformers.__version__}, timm {timm.__version__}")
    return 1 if failed or not folders else 0


if __name__ == "__main__":
    sys.exit(main())
