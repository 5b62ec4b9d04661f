"""Makes checkpoints of random models, each saved as its library saves, with reference results beside it.

    python test/oracle/checkpoints.py --out DIR [--only TEXT...] [--full]    every tiny case (and those of full size)
    python test/oracle/checkpoints.py --fixtures [--only TEXT...]            test/fixtures/checkpoints, the telling ones

A folder is a case: `checkpoint/`, `golden.safetensors`, `golden.json` (which says what to open, under which --arch and
at which image size). --only takes parts of names. Needs torch, torchvision, timm, transformers, grad-cam, scipy.
"""

from __future__ import annotations

import argparse
import importlib.metadata
import json
import pathlib
import shutil
import sys
import time
import traceback
import zlib

import numpy as np
import safetensors.numpy
import torch

import checkpoints_hugging_face
import checkpoints_timm
import checkpoints_torchvision
import goldens
from checkpoint_case import Case, Made

CASES: list[Case] = [*checkpoints_timm.CASES, *checkpoints_hugging_face.CASES, *checkpoints_torchvision.CASES]


def pixels(made: Made, seed: int) -> torch.Tensor:
    """Two images, [2, channels, H, W]."""
    x = goldens.preprocessed(goldens.images(made.subject.image, seed))
    return x[:, : made.channels].contiguous()


def explained(made: Made, x: torch.Tensor) -> tuple[dict[str, np.ndarray], dict]:
    """Reference explanations of the top class: raw Grad-CAM and rollouts, and what the anatomy must find."""
    subject = made.subject
    with torch.no_grad():
        top = subject.model(x).argmax(1)
    logits, _, maps, kept = goldens.differentiated(subject, x, top)
    maps = [a for a in maps if a.shape[-1] == a.shape[-2]]  # an attention-pooling head has one query
    attention, gradient = [a.detach().numpy() for a in maps], [a.grad.numpy() for a in maps]
    tensors = {"gradcam.top": goldens.grad_cam(subject, kept)}
    of = lambda layers, i: [m.reshape(len(x), -1, *m.shape[1:])[i] for m in layers]
    one = lambda layers, i: [m[i] for m in layers]
    if subject.windows is not None:
        tensors["rollout"] = np.stack(
            [goldens.swin_rollout(subject.windows, of(attention, i), of(gradient, i)) for i in range(len(x))]
        )
    elif subject.head != "map":
        for discard in (0.9, 0.0):
            tensors[f"rollout.discard{discard}"] = np.stack(
                [goldens.gradient_rollout(subject, one(attention, i), one(gradient, i), discard) for i in range(len(x))]
            )
    return tensors, {"classes": top.tolist(), "blocks": len(maps)}


def double_error(made: Made, x: torch.Tensor, logits: torch.Tensor) -> float | None:
    """PyTorch's own rounding: its float32 logits beside its float64 ones, relative to the largest."""
    try:
        with torch.no_grad():
            exact = made.subject.model.double()(x.double())
        if exact.dtype != torch.float64:
            return None
    except RuntimeError:  # a model that casts to float32 somewhere
        return None
    finally:
        made.subject.model.float()
    return float((logits - exact).abs().max() / exact.abs().max())


def telling(tensors: dict[str, np.ndarray]) -> bool:
    """Both images have a Grad-CAM that is not clipped to nothing (few channels often agree that nothing counts)."""
    cam = tensors["gradcam.top"]
    return bool(((cam > 0.01 * np.abs(tensors["logits"]).max() / cam[0].size).mean((1, 2)) > 0.2).all())


def computed(case: Case) -> tuple[Made, torch.Tensor, dict[str, np.ndarray], dict]:
    """The model, its input, its results and their description, with the first weights whose results tell something."""
    for seed in range(100):
        made = case.make(seed)
        made.subject.model.eval().requires_grad_(False)
        x = pixels(made, zlib.crc32(case.name.encode()) % 10_000 + seed)
        with torch.no_grad():
            tensors = {"input": x.numpy(), "logits": made.subject.model(x).numpy()}
        if case.full or not made.classes:
            return made, x, tensors, {}
        maps, description = explained(made, x)
        tensors |= maps
        if telling(tensors):
            return made, x, tensors, description
    raise ValueError("no weights give a Grad-CAM with something in it")


def write(folder: pathlib.Path, case: Case) -> None:
    torch.manual_seed(0)
    made, x, tensors, description = computed(case)
    subject = made.subject
    shutil.rmtree(folder, ignore_errors=True)
    checkpoint = folder / "checkpoint"
    checkpoint.mkdir(parents=True)
    file = made.save(checkpoint)
    tensors = {k: np.ascontiguousarray(v, np.float32) for k, v in tensors.items()}
    safetensors.numpy.save_file(tensors, folder / "golden.safetensors")
    golden = {
        "name": case.name,
        "library": case.library,
        "version": importlib.metadata.version(case.library),
        "architecture": case.architecture,
        "variant": case.variant,
        "open": "checkpoint" if file is None else f"checkpoint/{file}",
        "arch": made.arch,
        "image_size": made.asked,
        "output": "logits" if made.classes else "features",
        "family": "vit" if subject.windows is None else "swin",
        "prefix_tokens": subject.prefix,
        "head": subject.head,
        "image": subject.image,
        "grid": subject.grid,
        **description,
        "float64_error": double_error(made, x, torch.from_numpy(tensors["logits"])),
    }
    if subject.windows is not None:
        windows = subject.windows
        golden["windows"] = [{"hw": w.hw, "window": w.window, "shift": w.shift} for w in windows]
    (folder / "golden.json").write_text(json.dumps(golden, indent=1) + "\n")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=pathlib.Path)
    parser.add_argument("--fixtures", action="store_true")
    parser.add_argument("--full", action="store_true", help="models of the published size too")
    parser.add_argument("--only", nargs="*")
    options = parser.parse_args()
    if options.fixtures == (options.out is not None):
        parser.error("give either --out DIR or --fixtures")
    out = pathlib.Path(__file__).parents[1] / "fixtures" / "checkpoints" if options.fixtures else options.out
    torch.set_num_threads(1 if not options.full else 2)
    names = [case.name for case in CASES]
    assert len(set(names)) == len(names), "two cases have one name"
    failed = 0
    for case in CASES:
        if options.fixtures and not case.fixture or case.full and not options.full:
            continue
        if options.only and not any(text in case.name for text in options.only):
            continue
        started = time.monotonic()
        try:
            write(out / case.name, case)
        except Exception:
            traceback.print_exc()
            print(f"{case.name}: not made", file=sys.stderr)
            failed += 1
            continue
        print(f"{case.name}: {time.monotonic() - started:.1f} s", file=sys.stderr)
    sys.exit(failed > 0)


if __name__ == "__main__":
    main()
