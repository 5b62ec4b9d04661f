"""Makes assets/models/vit_tiny_patch16_224 from timm's checkpoint, and reference results for both precisions.

    python test/oracle/bundled_model.py FOLDER

FOLDER holds timm's vit_tiny_patch16_224.augreg_in21k_ft_in1k as the hub has it (config.json, model.safetensors).
Weights are rounded to float16, which halves the file; the label names are those of ImageNet-1k as torchvision has
them. Goldens go to test/fixtures/vit_tiny: results of timm's own model on two synthetic inputs, with the weights
as published (`fp32.*`) and as bundled (`fp16.*`, computed in float32).
"""

from __future__ import annotations

import json
import pathlib
import sys

import numpy as np
import safetensors.numpy
import safetensors.torch
import timm
import torch
from torchvision.models._meta import _IMAGENET_CATEGORIES

import goldens

ROOT = pathlib.Path(__file__).parents[2]
ASSET = ROOT / "assets" / "models" / "vit_tiny_patch16_224"
FIXTURE = ROOT / "test" / "fixtures" / "vit_tiny"


def lcg(seed: int, count: int) -> np.ndarray:
    """Numerical Recipes' 32-bit generator, in [-1, 1); test/synthetic.ts has the same."""
    values = np.empty(count)
    for i in range(count):
        seed = (seed * 1664525 + 1013904223) % 2**32
        values[i] = seed / 2**31 - 1
    return values


def synthetic(seed: int, size: int = 224, cell: int = 16) -> np.ndarray:
    """[3, size, size]: squares of one colour each, with noise."""
    cells = size // cell
    coarse = lcg(seed, 3 * cells * cells).reshape(3, cells, cells).repeat(cell, 1).repeat(cell, 2)
    return (coarse * 0.75 + lcg(seed + 1, 3 * size * size).reshape(3, size, size) * 0.25).astype(np.float32)


def results(state: dict, x: torch.Tensor) -> dict[str, np.ndarray]:
    model = timm.create_model("vit_tiny_patch16_224", num_classes=1000)
    model.load_state_dict(state)
    subject = goldens.Subject(
        model.eval().requires_grad_(False), (224, 224), (14, 14), 1, "token", model.blocks[-1].norm1
    )
    top = model(x).argmax(1)
    logits, _, maps, kept = goldens.differentiated(subject, x, top)
    attention = [a.detach().numpy() for a in maps]
    gradient = [a.grad.numpy() for a in maps]
    tensors = {
        "logits": logits.numpy(),
        "gradcam.top": goldens.grad_cam(subject, kept).astype(np.float32),
        "attention_cls.11": np.ascontiguousarray(attention[11][:, :, 0]),
    }
    for discard in (0.9, 0.0):
        tensors[f"rollout.discard{discard}"] = np.stack(
            [
                goldens.gradient_rollout(subject, [a[i] for a in attention], [g[i] for g in gradient], discard)
                for i in range(len(x))
            ]
        ).astype(np.float32)
    return tensors


def main(folder: pathlib.Path) -> None:
    published = safetensors.torch.load_file(folder / "model.safetensors")
    bundled = {k: v.to(torch.float16) for k, v in published.items()}
    config = json.loads((folder / "config.json").read_text())
    config["label_names"] = list(_IMAGENET_CATEGORIES)
    ASSET.mkdir(parents=True, exist_ok=True)
    safetensors.torch.save_file(bundled, ASSET / "model.safetensors")
    (ASSET / "config.json").write_text(json.dumps(config, indent=1) + "\n")

    x = torch.from_numpy(np.stack([synthetic(1), synthetic(2)]))
    fp32 = results(published, x)
    fp16 = results({k: v.float() for k, v in bundled.items()}, x)
    FIXTURE.mkdir(parents=True, exist_ok=True)
    tensors = {f"fp32.{k}": v for k, v in fp32.items()} | {f"fp16.{k}": v for k, v in fp16.items()}
    safetensors.numpy.save_file(tensors, FIXTURE / "golden.safetensors")
    for name in fp32:
        error = np.abs(fp32[name] - fp16[name]).max() / np.abs(fp32[name]).max()
        print(f"{name}: float16 weights differ by {error:.1e} of the maximum", file=sys.stderr)
    print("top", fp32["logits"].argmax(1), fp16["logits"].argmax(1), file=sys.stderr)


if __name__ == "__main__":
    main(pathlib.Path(sys.argv[1]))
