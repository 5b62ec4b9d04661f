"""Writes what transformers makes of the bundled images with the bundled medical models: test/fixtures/bundled-models.json.

    python test/oracle/bundled_models.py

Model and processor are opened by transformers' Auto classes from assets/models; every image of assets/images of the
model's data set is prepared and classified by them alone, in float32. test/bundled-models.test.ts holds the package to it.
"""

from __future__ import annotations

import json
import pathlib

import PIL.Image
import torch
import transformers

ROOT = pathlib.Path(__file__).parents[2]
MODELS = ROOT / "assets" / "models"
IMAGES = ROOT / "assets" / "images"
OUT = ROOT / "test" / "fixtures" / "bundled-models.json"


def logits(model_path: pathlib.Path, pictures: list[pathlib.Path]) -> dict[str, list[float]]:
    model = transformers.AutoModelForImageClassification.from_pretrained(model_path, dtype=torch.float32).eval()
    processor = transformers.AutoImageProcessor.from_pretrained(model_path)
    found = {}
    for path in pictures:
        with torch.no_grad():
            given = processor(PIL.Image.open(path).convert("RGB"), return_tensors="pt")
            values = model(**given).logits[0].tolist()
        found[path.relative_to(IMAGES).as_posix()] = [float(f"{value:.7g}") for value in values]
    return found


def main() -> None:
    golden = {}
    for model_path in sorted(path for path in MODELS.iterdir() if path.name.startswith(("pbc-", "busi-"))):
        folder = IMAGES / model_path.name.split("-")[0]
        golden[model_path.name] = logits(model_path, sorted(p for p in folder.rglob("*") if p.is_file()))
        print(model_path.name, len(golden[model_path.name]), "images")
    lines = [
        f" {json.dumps(name)}: {{\n"
        + ",\n".join(f"  {json.dumps(image)}: {json.dumps(values)}" for image, values in images.items())
        + "\n }"
        for name, images in golden.items()
    ]
    OUT.write_text("{\n" + ",\n".join(lines) + "\n}\n")


if __name__ == "__main__":
    main()
