"""Goldens for src/training/data: what torchvision and Pillow make of two small pictures.

    python test/oracle/augmentation.py        (writes test/fixtures/training/augmentation.json)
"""
import base64
import hashlib
import json
from pathlib import Path

import numpy as np
import PIL
import torch
import torchvision
from PIL import Image, ImageEnhance, ImageOps
from torchvision.transforms.v2 import functional as F

FIXTURES = Path(__file__).parent.parent / "fixtures"
rng = np.random.default_rng(5)

cell = Image.open(FIXTURES / "imaging/cell.png").convert("RGB")
noise = Image.fromarray(rng.integers(0, 256, (9, 13, 3), dtype=np.uint8))
pictures = {"cell": cell.crop((50, 50, 65, 61)), "noise": noise, "grey": cell.crop((20, 30, 31, 39)).convert("L").convert("RGB")}


def text(image):
    return base64.b64encode(np.ascontiguousarray(image, dtype=np.uint8).tobytes()).decode()


changes = []


def change(name, parameters, image, result):
    changes.append({"name": name, "parameters": parameters, "image": image, "result": text(result)})


for name, image in pictures.items():
    for factor in (0.0, 0.55, 0.9, 1.0, 1.37):
        change("brightness", [factor], name, F.adjust_brightness(image, factor))
        change("contrast", [factor], name, F.adjust_contrast(image, factor))
        change("saturation", [factor], name, F.adjust_saturation(image, factor))
    for shift in (-0.5, -0.1, 0.02, 0.25):
        change("hue", [shift], name, F.adjust_hue(image, shift))
    for sigma in (0.4, 1.0, 1.7):
        taps = 2 * int(np.ceil(3 * sigma)) + 1
        tensor = F.pil_to_tensor(image)
        change("blur", [sigma], name, F.gaussian_blur(tensor, [taps, taps], [sigma, sigma]).permute(1, 2, 0).numpy())
    for factor in (0.1, 1.9):
        change("sharpness", [factor], name, ImageEnhance.Sharpness(image).enhance(factor))
    for bits in (4, 7):
        change("posterize", [bits], name, ImageOps.posterize(image, bits))
    change("autocontrast", [], name, ImageOps.autocontrast(image))
    change("equalize", [], name, ImageOps.equalize(image))
    for matrix in ([0.9, 0.3, -1.2, -0.3, 0.9, 2.5], [1, 0.2, 0, 0, 1, 0], [1, 0, 3, 0, 1, -2]):
        change("affine", matrix, name, image.transform(image.size, Image.Transform.AFFINE, matrix, Image.Resampling.BILINEAR))
    for degrees in (10, -23):
        change("rotate", [degrees], name, F.rotate(image, degrees, F.InterpolationMode.BILINEAR))
    for turns, method in ((1, Image.Transpose.ROTATE_90), (2, Image.Transpose.ROTATE_180), (3, Image.Transpose.ROTATE_270)):
        change("turn", [turns], name, image.transpose(method))
    change("horizontal", [], name, image.transpose(Image.Transpose.FLIP_LEFT_RIGHT))
    change("vertical", [], name, image.transpose(Image.Transpose.FLIP_TOP_BOTTOM))

crops = []
for top, left, height, width, size, kind in [
    (0, 0, 141, 133, (24, 24), "bicubic"),
    (10, 17, 90, 101, (32, 20), "bilinear"),
    (3, 5, 12, 9, (40, 40), "bicubic"),
    (100, 60, 41, 73, (16, 48), "lanczos"),
]:
    result = F.resized_crop(cell, top, left, height, width, list(size), getattr(F.InterpolationMode, kind.upper()))
    pixels = np.asarray(result)
    crops.append({
        "window": [left, top, width, height], "size": size, "interpolation": kind,
        "sha256": hashlib.sha256(pixels.tobytes()).hexdigest(),
    })

out = {
    "versions": {"Pillow": PIL.__version__, "torch": torch.__version__, "torchvision": torchvision.__version__},
    "pictures": {name: {"width": i.width, "height": i.height, "data": text(i)} for name, i in pictures.items()},
    "changes": changes,
    "crops": crops,
}
target = FIXTURES / "training/augmentation.json"
target.parent.mkdir(exist_ok=True)
target.write_text(json.dumps(out, separators=(",", ":")) + "\n")
