"""Ten steps of AdamW as PyTorch takes them, on the tiny checkpoints in test/fixtures/checkpoints.

torch.optim.AdamW, torch's schedulers and clip_grad_norm_, timm's ModelEmaV2; smoothed targets, weight decay, layer-wise
learning rates in BEiT's way. Computed in double precision; `float32_error` is how far PyTorch's own single precision is
from that, the keys' biases left out: attention does not depend on them, so their gradients are nothing but rounding, which
AdamW makes steps of. Images and targets are those of src/training/testing/small.ts. Run it with timm and transformers installed:

    python test/oracle/training_steps.py [CASE...]
"""

from __future__ import annotations

import copy
import json
import pathlib
import re
import sys
import tempfile

import numpy as np
import safetensors.numpy
import safetensors.torch
import timm
import timm.utils
import torch
import torch.nn.functional as F
import transformers

from training_goldens import lowered

FIXTURES = pathlib.Path(__file__).parents[1] / "fixtures"
CHECKPOINTS = FIXTURES / "checkpoints"
CASES = {
    "steps-vit": "timm-vit-tiny-patch16-224-class-token",
    "steps-deit": "transformers-deitforimageclassificationwithteacher-two-heads",
    "steps-swin": "transformers-swinforimageclassification-plain",
    "steps-swinv2-low-scales": "timm-swinv2-tiny-window8-256-float16-clamped-logit-scale",
}
STEPS, WARMUP, PEAK, LEAST = 10, 3, 2e-3, 2e-5
BATCH, CLASSES, WIDTH = 4, 6, 3 * 16 * 16
CLIP, WEIGHT_DECAY, LAYER_DECAY, EMA = 4.5, 0.05, 0.75, 0.9

KEYS = re.compile(r"(attn\.qkv|key)\.bias$")
UNDECAYED = re.compile(r"bias$|norm|token|pos_embed|position_embeddings|relative_position_bias_table|cpb_mlp|logit_scale")


def batch(step: int) -> tuple[torch.Tensor, torch.Tensor]:
    offset = step * BATCH
    i = np.arange(BATCH * WIDTH, dtype=np.float64) + offset * WIDTH
    pixels = (np.sin((i + 1) * 0.618) + np.cos(i * 0.0137)).astype(np.float32)
    labels = torch.arange(offset, offset + BATCH) * 5 % CLASSES
    targets = F.one_hot(labels, CLASSES) * 0.9 + 0.1 / CLASSES
    return torch.from_numpy(pixels.reshape(BATCH, 3, 16, 16)), targets


def file_names(model: torch.nn.Module) -> dict[str, str]:
    """The names that the parameters have in a file, which are not always the modules'."""
    if not isinstance(model, transformers.PreTrainedModel):
        return {n: n for n, _ in model.named_parameters()}
    marked = copy.deepcopy(model)
    names = [n for n, _ in marked.named_parameters()]
    for i, parameter in enumerate(marked.parameters()):
        parameter.data.fill_(i)
    with tempfile.TemporaryDirectory() as folder:
        marked.save_pretrained(folder)
        saved = safetensors.torch.load_file(pathlib.Path(folder) / "model.safetensors")
    return {names[int(v.flatten()[0])]: k for k, v in saved.items()}


def opened(name: str, dtype: torch.dtype) -> tuple[torch.nn.Module, list[str]]:
    """The model, and the prefixes of its blocks' tensors in order."""
    folder = CHECKPOINTS / name / "checkpoint"
    config = json.loads((folder / "config.json").read_text())
    if "architecture" in config:
        model = timm.create_model(config["architecture"], **config["model_args"])
        model.load_state_dict(safetensors.torch.load_file(folder / "model.safetensors"), strict="swin" not in name)
        if "swin" in name:
            blocks = [f"layers.{i}.blocks.{j}." for i, d in enumerate(config["model_args"]["depths"]) for j in range(d)]
        else:
            blocks = [f"blocks.{i}." for i in range(len(model.blocks))]
    else:
        kind = getattr(transformers, config["architectures"][0])
        model = kind.from_pretrained(folder, attn_implementation="eager")
        if "swin" in name:
            blocks = [f"swin.encoder.layers.{i}.blocks.{j}." for i, d in enumerate(config["depths"]) for j in range(d)]
        else:
            blocks = [f"deit.encoder.layer.{i}." for i in range(config["num_hidden_layers"])]
    # eval: no dropout.
    return model.to(dtype).eval(), blocks


def depth(name: str, blocks: list[str]) -> int:
    for i, prefix in enumerate(blocks):
        if name.startswith(prefix):
            return i + 1
    # What merges a stage's tokens goes with the block behind it.
    if merging := re.match(r"(.*layers\.)(\d+)\.downsample", name):
        # timm lists it with the stage behind it, transformers with the one in front.
        return blocks.index(f"{merging[1]}{int(merging[2]) + name.startswith('swin.')}.blocks.0.") + 1
    stem = re.search(r"embed|cls_token|pos_embed", name)
    return 0 if stem else len(blocks) + 1


def rates() -> list[float]:
    optimizer = torch.optim.SGD([torch.zeros(1, requires_grad=True)], lr=PEAK)
    warmup = torch.optim.lr_scheduler.LinearLR(optimizer, 1 / WARMUP, 1, WARMUP - 1)
    cosine = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, STEPS - WARMUP, LEAST)
    schedule = torch.optim.lr_scheduler.SequentialLR(optimizer, [warmup, cosine], [WARMUP])
    result = []
    for _ in range(STEPS):
        result.append(optimizer.param_groups[0]["lr"])
        optimizer.step()
        schedule.step()
    return result


def state(model: torch.nn.Module, names: dict[str, str]) -> dict[str, torch.Tensor]:
    return {names[k]: v.detach().clone() for k, v in model.named_parameters()}


def computed(name: str, dtype: torch.dtype, low_scales: bool) -> dict[str, torch.Tensor]:
    model, blocks = opened(name, dtype)
    changed = lowered(model) if low_scales else {}
    names = file_names(model)
    groups = [
        {
            "params": [p],
            "weight_decay": 0.0 if p.ndim <= 1 or UNDECAYED.search(names[n]) else WEIGHT_DECAY,
            "lr_scale": LAYER_DECAY ** (len(blocks) + 1 - depth(names[n], blocks)),
        }
        for n, p in model.named_parameters()
    ]
    optimizer = torch.optim.AdamW(groups, lr=PEAK)
    average = timm.utils.ModelEmaV2(model, decay=EMA)
    losses, norms = [], []
    for step, rate in enumerate(rates()):
        for group in optimizer.param_groups:
            group["lr"] = rate * group["lr_scale"]
        pixels, targets = batch(step)
        out = model(pixels.to(dtype))
        loss = F.cross_entropy(getattr(out, "logits", out), targets.to(dtype))
        optimizer.zero_grad()
        loss.backward()
        norms.append(torch.nn.utils.clip_grad_norm_(model.parameters(), CLIP).detach())
        optimizer.step()
        average.update(model)
        losses.append(loss.detach())
    weights = {f"weights.{k}": v for k, v in state(model, names).items()}
    averages = {f"averages.{k}": v for k, v in state(average.module, names).items()}
    return {"losses": torch.stack(losses), "norms": torch.stack(norms), **weights, **averages, **changed}


def main() -> None:
    torch.set_num_threads(1)
    for case in sys.argv[1:] or CASES:
        name, low_scales = CASES[case], case.endswith("low-scales")
        exact, single = (computed(name, dtype, low_scales) for dtype in (torch.float64, torch.float32))
        error = max(float((single[k].double() - v).abs().max() / v.abs().max()) for k, v in exact.items() if not KEYS.search(k))
        arrays = {k: np.ascontiguousarray(v.numpy(), np.float32) for k, v in exact.items()}
        metadata = {"checkpoint": name, "rates": json.dumps(rates()), "float32_error": str(error)}
        safetensors.numpy.save_file(arrays, FIXTURES / "training" / f"{case}.safetensors", metadata=metadata)
        print(case, sum(a.nbytes for a in arrays.values()), error, exact["losses"][[0, -1]], exact["norms"])


if __name__ == "__main__":
    main()
