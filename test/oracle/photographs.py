"""Makes the photographs of test/fixtures/photographs and what timm's ViT-Tiny says of them and of blood cells.

    python test/oracle/photographs.py WEIGHTS [SKIMAGE SKLEARN]

WEIGHTS holds timm's vit_tiny_patch16_224.augreg_in21k_ft_in1k as the hub has it. SKIMAGE and SKLEARN are the folders of
sample images that scikit-image and scikit-learn install (skimage/data, sklearn/datasets/images): with them the photographs
are made again, without them those that are there are taken. Pictures are
decoded by Pillow and prepared by timm's own transform; logits are for the weights as published and as bundled.
"""

import json
import pathlib
import sys

import numpy as np
import safetensors.numpy
import safetensors.torch
import timm
import torch
from PIL import Image
from timm.data import create_transform, resolve_data_config

ROOT = pathlib.Path(__file__).parents[2]
OUT = ROOT / "test" / "fixtures" / "photographs"
BUNDLED = ROOT / "assets" / "models" / "vit_tiny_patch16_224"

# Larger and smaller than what the model takes, upright and lying, in the ways that cameras and the web save JPEG.
PHOTOGRAPHS = {
    "cat": ("skimage", "chelsea.png", 340, {"quality": 88}),
    "coffee": ("skimage", "coffee.png", 300, {"quality": 80, "subsampling": "4:4:4"}),
    "rocket": ("skimage", "rocket.jpg", 290, {"quality": 85, "progressive": True}),
    "temple": ("sklearn", "china.jpg", 320, {"quality": 85, "subsampling": "4:2:2"}),
    "flower": ("sklearn", "flower.jpg", 230, {"quality": 90}),
}


def make_photographs(folders: dict[str, pathlib.Path]) -> None:
    OUT.mkdir(parents=True, exist_ok=True)
    for name, (source, file, width, options) in PHOTOGRAPHS.items():
        image = Image.open(folders[source] / file).convert("RGB")
        image = image.resize((width, round(width * image.height / image.width)), Image.Resampling.LANCZOS)
        if name == "cat":
            image = image.crop((60, 0, 280, image.height))
        image.save(OUT / f"{name}.jpg", **options)


def main(weights: pathlib.Path) -> None:
    pictures = [OUT / f"{name}.jpg" for name in sorted(PHOTOGRAPHS)]
    pictures += sorted((ROOT / "assets" / "images" / "pbc").glob("*/*.jpg"))

    model = timm.create_model(f"local-dir:{weights}", pretrained=True).eval()
    transform = create_transform(**resolve_data_config(model.pretrained_cfg))
    x = torch.stack([transform(Image.open(path).convert("RGB")) for path in pictures])
    tensors = {}
    with torch.no_grad():
        tensors["fp32.logits"] = model(x).numpy()
        model.load_state_dict({k: v.float() for k, v in safetensors.torch.load_file(BUNDLED / "model.safetensors").items()})
        tensors["fp16.logits"] = model(x).numpy()
    safetensors.numpy.save_file({k: np.ascontiguousarray(v) for k, v in tensors.items()}, OUT / "golden.safetensors")
    labels = json.loads((BUNDLED / "config.json").read_text())["label_names"]
    golden = [
        {"image": str(path.relative_to(ROOT)), "top": labels[i]}
        for path, i in zip(pictures, tensors["fp32.logits"].argmax(1).tolist())
    ]
    (OUT / "golden.json").write_text(json.dumps(golden, indent=1) + "\n")


if __name__ == "__main__":
    published, *samples = map(pathlib.Path, sys.argv[1:])
    if samples:
        make_photographs(dict(zip(("skimage", "sklearn"), samples)))
    main(published)
