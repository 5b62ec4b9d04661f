"""Compares what `vitreous explain` says of images with what transformers says of the same files.

    vitreous explain MODEL IMAGES --method grad-cam --format json --out DIR
    python test/oracle/bundled_models.py MODEL DIR/explain.json IMAGES

Model and processor are opened by transformers' Auto classes; every image is prepared and classified by them alone. Logits
must agree within 1e-4 of their largest where the prepared pixels are the same.
"""

from __future__ import annotations

import json
import pathlib
import sys

import numpy as np
import PIL.Image
import torch
import transformers

TOLERANCE = 1e-4


def main() -> None:
    model_path, explained, images = sys.argv[1:4]
    model = transformers.AutoModelForImageClassification.from_pretrained(model_path, dtype=torch.float32).eval()
    processor = transformers.AutoImageProcessor.from_pretrained(model_path)
    record = json.loads(pathlib.Path(explained).read_text())
    worst, agreeing = 0.0, 0
    for entry in record["images"]:
        picture = PIL.Image.open(pathlib.Path(images) / entry["image"]).convert("RGB")
        with torch.no_grad():
            logits = model(**processor(picture, return_tensors="pt")).logits[0].numpy()
        ours = np.array(entry["logits"])
        worst = max(worst, float(np.abs(ours - logits).max() / np.abs(logits).max()))
        agreeing += int(ours.argmax() == logits.argmax())
    count = len(record["images"])
    print(f"{type(model).__name__}: {agreeing} of {count} predictions agree; logits differ by {worst:.1e} at most")
    sys.exit(0 if worst <= TOLERANCE and agreeing == count else 1)


if __name__ == "__main__":
    main()
