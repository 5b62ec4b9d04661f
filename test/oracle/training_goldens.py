"""Losses and gradients of every weight, as PyTorch has them, for the tiny checkpoints in test/fixtures/checkpoints.

Each case is transformers' own model with transformers' own forward pass; targets are soft, images are weighted, and the
distilled DeiT has a teacher. Computed in double precision; `float32_error` is how far PyTorch's own single precision is
from that. Run it with transformers installed:

    python test/oracle/training_goldens.py
"""

from __future__ import annotations

import json
import pathlib
import tempfile

import numpy as np
import safetensors.numpy
import safetensors.torch
import torch
import torch.nn.functional as F
import transformers

FIXTURES = pathlib.Path(__file__).parents[1] / "fixtures"
CHECKPOINTS = FIXTURES / "checkpoints"
BATCH = 3

CROSS_ENTROPY = {"kind": "cross-entropy"}
HARD = {"kind": "distillation", "mode": "hard", "alpha": 0.3, "temperature": 1}
SOFT = {"kind": "distillation", "mode": "soft", "alpha": 0.6, "temperature": 2.5}

TEACHER = "transformers-deitforimageclassificationwithteacher-two-heads"
CASES = {
    "vit": ("transformers-vitforimageclassification-plain", CROSS_ENTROPY),
    "deit": (TEACHER, CROSS_ENTROPY),
    "deit-hard": (TEACHER, HARD),
    "deit-soft": (TEACHER, SOFT),
    "swin": ("transformers-swinforimageclassification-plain", CROSS_ENTROPY),
    "swinv2": ("transformers-swinv2forimageclassification-bfloat16-pretrained-windows", CROSS_ENTROPY),
    "dinov2-registers": (
        "transformers-dinov2withregistersforimageclassification-class-token-and-mean",
        CROSS_ENTROPY,
    ),
    "beit": ("transformers-beitforimageclassification-a-bias-in-each-layer", CROSS_ENTROPY),
}


def losses(objective: dict, out, targets: torch.Tensor, teacher: torch.Tensor) -> torch.Tensor:
    def soft_cross_entropy(logits: torch.Tensor) -> torch.Tensor:
        return F.cross_entropy(logits, targets, reduction="none")

    if objective["kind"] == "cross-entropy":
        return soft_cross_entropy(out.logits)
    alpha, t = objective["alpha"], objective["temperature"]
    if objective["mode"] == "hard":
        taught = F.cross_entropy(out.distillation_logits, teacher.argmax(-1), reduction="none")
    else:
        student, wanted = (F.log_softmax(x / t, -1) for x in (out.distillation_logits, teacher))
        taught = F.kl_div(student, wanted, reduction="none", log_target=True).sum(-1) * t * t
    return (1 - alpha) * soft_cross_entropy(out.cls_logits) + alpha * taught


def as_checkpoint(model: transformers.PreTrainedModel) -> dict[str, torch.Tensor]:
    """The gradients under the names that the weights have in a file, which are not always the modules'."""
    for parameter in model.parameters():
        parameter.data = torch.zeros_like(parameter) if parameter.grad is None else parameter.grad
    with tempfile.TemporaryDirectory() as folder:
        model.save_pretrained(folder)
        return safetensors.torch.load_file(pathlib.Path(folder) / "model.safetensors")


def computed(checkpoint: str, objective: dict, dtype: torch.dtype, seed: int) -> dict[str, torch.Tensor]:
    folder = CHECKPOINTS / checkpoint / "checkpoint"
    kind = getattr(transformers, json.loads((folder / "config.json").read_text())["architectures"][0])
    # eval: dropout is off.
    model = kind.from_pretrained(folder, attn_implementation="eager", dtype=dtype).eval()
    config = model.config
    generator = torch.Generator().manual_seed(seed)
    size = config.image_size if isinstance(config.image_size, (list, tuple)) else [config.image_size] * 2
    pixels = torch.randn(BATCH, config.num_channels, *size, generator=generator)
    classes = config.num_labels
    labels = torch.randint(classes, (BATCH,), generator=generator)
    targets = F.one_hot(labels, classes) * 0.9 + 0.1 / classes
    weights = torch.tensor([0.5, 0.2, 0.3])
    teacher = torch.randn(BATCH, classes, generator=generator) * 3
    each = losses(objective, model(pixels.to(dtype)), targets.to(dtype), teacher.to(dtype))
    (each * weights.to(dtype)).sum().backward()
    tensors = {"pixels": pixels, "targets": targets, "weights": weights, "losses": each.detach()}
    if objective["kind"] == "distillation":
        tensors["teacher"] = teacher
    # Mask tokens have no part in this.
    return tensors | {f"gradient.{k}": v for k, v in as_checkpoint(model).items() if v.any()}


def distance(actual: torch.Tensor, expected: torch.Tensor) -> float:
    """Relative to the largest value; absolute where all are nothing but rounding (the keys' biases)."""
    largest = float(expected.abs().max())
    difference = float((actual.double() - expected).abs().max())
    return difference if largest < 1e-6 else difference / largest


def main() -> None:
    torch.set_num_threads(1)
    for name, (checkpoint, objective) in CASES.items():
        seed = sum(map(ord, name))
        tensors = computed(checkpoint, objective, torch.float64, seed)
        single = computed(checkpoint, objective, torch.float32, seed)
        rounding = max(distance(single[k], v) for k, v in tensors.items() if k.startswith("gradient."))
        arrays = {k: np.ascontiguousarray(v.numpy(), np.float32) for k, v in tensors.items()}
        out = FIXTURES / "training" / "gradients"
        out.mkdir(parents=True, exist_ok=True)
        metadata = {"checkpoint": checkpoint, "objective": json.dumps(objective), "float32_error": str(rounding)}
        safetensors.numpy.save_file(arrays, out / f"{name}.safetensors", metadata=metadata)
        print(name, sum(a.nbytes for a in arrays.values()), rounding)


if __name__ == "__main__":
    main()
