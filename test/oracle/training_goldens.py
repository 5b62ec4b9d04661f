"""Losses and gradients of every weight, as PyTorch has them, for the tiny checkpoints in test/fixtures/checkpoints.

Each case is transformers' or timm's own model with its own forward pass; targets are soft, images are weighted, and the
distilled models have a teacher. Computed in double precision; `float32_error` is how far PyTorch's own single precision is
from that. Run it with transformers and timm installed, for all cases or those named:

    python test/oracle/training_goldens.py [CASE...]
"""

from __future__ import annotations

import json
import pathlib
import sys
import tempfile
import types
import typing

import numpy as np
import safetensors.numpy
import safetensors.torch
import timm
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
    "vit-dropout": ("transformers-vitforimageclassification-plain", CROSS_ENTROPY),
    "swin-dropout": ("transformers-swinforimageclassification-plain", CROSS_ENTROPY),
    "swin": ("transformers-swinforimageclassification-plain", CROSS_ENTROPY),
    # One head, which learns from the labels and from the teacher.
    "swin-hard": ("transformers-swinforimageclassification-plain", HARD),
    "swin-soft": ("transformers-swinforimageclassification-plain", SOFT),
    "swinv2-low-scales": ("transformers-swinv2forimageclassification-bfloat16-pretrained-windows", CROSS_ENTROPY),
    "dinov2-registers": (
        "transformers-dinov2withregistersforimageclassification-class-token-and-mean",
        CROSS_ENTROPY,
    ),
    "beit": ("transformers-beitforimageclassification-a-bias-in-each-layer", CROSS_ENTROPY),
    # What is computed from weights and not linear in them: scales and biases of Swin V2, a query, rotary positions.
    "timm-swinv2-low-scales": ("timm-swinv2-tiny-window8-256-float16-clamped-logit-scale", CROSS_ENTROPY),
    "timm-swinv2": ("timm-swinv2-tiny-window8-256-float16-clamped-logit-scale", CROSS_ENTROPY),
    "timm-attention-pool": ("timm-vit-base-patch16-siglip-224-attention-pooling-head", CROSS_ENTROPY),
    "timm-rope-mixed": ("timm-vit-small-patch16-rope-mixed-224-learned-rotary-rectangular", CROSS_ENTROPY),
}

DROPOUT = {"vit-dropout": 0.4, "swin-dropout": 0.25}
"""Rates of transformers' hidden_dropout_prob; the masks are drawn here and are part of the golden."""


LOW_SCALES = (1.0, 1.5)
"""Logarithms of the scales of Swin V2's cosines, with which single precision is good for gradients within 1e-4."""


def losses(objective: dict, out, targets: torch.Tensor, teacher: torch.Tensor) -> torch.Tensor:
    def soft_cross_entropy(logits: torch.Tensor) -> torch.Tensor:
        return F.cross_entropy(logits, targets, reduction="none")

    if objective["kind"] == "cross-entropy":
        return soft_cross_entropy(out.logits)
    alpha, t = objective["alpha"], objective["temperature"]
    two = hasattr(out, "distillation_logits")
    own, taught = (out.cls_logits, out.distillation_logits) if two else (out.logits, out.logits)
    if objective["mode"] == "hard":
        taught = F.cross_entropy(taught, teacher.argmax(-1), reduction="none")
    else:
        student, wanted = (F.log_softmax(x / t, -1) for x in (taught, teacher))
        taught = F.kl_div(student, wanted, reduction="none", log_target=True).sum(-1) * t * t
    return (1 - alpha) * soft_cross_entropy(own) + alpha * taught


def as_checkpoint(model: transformers.PreTrainedModel) -> dict[str, torch.Tensor]:
    """The gradients under the names that the weights have in a file, which are not always the modules'."""
    for parameter in model.parameters():
        parameter.data = torch.zeros_like(parameter) if parameter.grad is None else parameter.grad
    with tempfile.TemporaryDirectory() as folder:
        model.save_pretrained(folder)
        return safetensors.torch.load_file(pathlib.Path(folder) / "model.safetensors")


class Subject(typing.NamedTuple):
    model: torch.nn.Module
    input: tuple[int, ...]
    classes: int
    forward: typing.Callable[[torch.Tensor], typing.Any]
    """Gives an object that has the logits."""
    gradients: typing.Callable[[], dict[str, torch.Tensor]]


def of_transformers(folder: pathlib.Path, config: dict, dtype: torch.dtype) -> Subject:
    kind = getattr(transformers, config["architectures"][0])
    # eval: dropout is off.
    model = kind.from_pretrained(folder, attn_implementation="eager", dtype=dtype).eval()
    size = model.config.image_size
    size = size if isinstance(size, (list, tuple)) else [size] * 2
    return Subject(model, (model.config.num_channels, *size), model.config.num_labels, model, lambda: as_checkpoint(model))


def of_timm(folder: pathlib.Path, config: dict, dtype: torch.dtype) -> Subject:
    model = timm.create_model(f"local-dir:{folder}", pretrained=True).to(dtype).eval()

    def gradients() -> dict[str, torch.Tensor]:
        return {name: parameter.grad for name, parameter in model.named_parameters() if parameter.grad is not None}

    def forward(pixels: torch.Tensor) -> types.SimpleNamespace:
        return types.SimpleNamespace(logits=model(pixels))

    return Subject(model, tuple(config["pretrained_cfg"]["input_size"]), model.num_classes, forward, gradients)


def lowered(model: torch.nn.Module) -> dict[str, torch.Tensor]:
    """Changes the scales, and gives what the test has to change in the checkpoint."""
    scales = {name: p for name, p in model.named_parameters() if name.endswith("logit_scale")}
    with torch.no_grad():
        for p in scales.values():
            p.copy_(torch.linspace(*LOW_SCALES, p.numel()).view_as(p))
    return {f"tensor.{name}": p.detach().clone() for name, p in scales.items()}


class Masked(torch.nn.Module):
    """In the place of a Dropout: masks in the order in which the model has its turns, kept in the order of the images.

    A Swin drops what its attention gives in shifted windows; `unwindowed` puts a mask where the layer puts its values.
    """

    def __init__(self, rate: float, generator: torch.Generator, masks: list[torch.Tensor], unwindowed=None) -> None:
        super().__init__()
        self.rate, self.generator, self.masks, self.unwindowed = rate, generator, masks, unwindowed

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        mask = (torch.rand(x.shape, generator=self.generator) >= self.rate).to(torch.uint8)
        self.masks.append(mask if x.shape[0] == BATCH or self.unwindowed is None else self.unwindowed(mask))
        return x * mask.to(x.dtype) / (1 - self.rate)


def drop(model: torch.nn.Module, rate: float, generator: torch.Generator) -> list[torch.Tensor]:
    """Puts masks in the place of transformers' hidden dropout; gives the list that they will be in."""
    from transformers.models.swin.modeling_swin import SwinLayer, window_reverse

    masks: list[torch.Tensor] = []

    def unwindowing(layer: SwinLayer) -> typing.Callable[[torch.Tensor], torch.Tensor]:
        def unwindowed(mask: torch.Tensor) -> torch.Tensor:
            window, channels = layer.window_size, mask.shape[-1]
            height, width = layer.input_resolution
            if height % window or width % window:
                raise ValueError("padded windows are not handled here")
            reversed_windows = window_reverse(mask.view(-1, window, window, channels), window, height, width)
            image = layer.cyclic_shift(reversed_windows, reverse=True)
            return image.reshape(BATCH, height * width, channels)

        return unwindowed

    for module in list(model.modules()):
        if isinstance(getattr(module, "dropout", None), torch.nn.Dropout):
            module.dropout = Masked(
                rate, generator, masks, unwindowing(module) if isinstance(module, SwinLayer) else None
            )
    return masks


def computed(
    checkpoint: str, objective: dict, dtype: torch.dtype, seed: int, low_scales: bool, dropout: float
) -> dict[str, torch.Tensor]:
    folder = CHECKPOINTS / checkpoint / "checkpoint"
    config = json.loads((folder / "config.json").read_text())
    subject = (of_transformers if "architectures" in config else of_timm)(folder, config, dtype)
    changed = lowered(subject.model) if low_scales else {}
    generator = torch.Generator().manual_seed(seed)
    masks = drop(subject.model, dropout, torch.Generator().manual_seed(seed + 1)) if dropout > 0 else []
    pixels = torch.randn(BATCH, *subject.input, generator=generator)
    classes = subject.classes
    labels = torch.randint(classes, (BATCH,), generator=generator)
    targets = F.one_hot(labels, classes) * 0.9 + 0.1 / classes
    weights = torch.tensor([0.5, 0.2, 0.3])
    teacher = torch.randn(BATCH, classes, generator=generator) * 3
    each = losses(objective, subject.forward(pixels.to(dtype)), targets.to(dtype), teacher.to(dtype))
    (each * weights.to(dtype)).sum().backward()
    tensors = {"pixels": pixels, "targets": targets, "weights": weights, "losses": each.detach()}
    if objective["kind"] == "distillation":
        tensors["teacher"] = teacher
    tensors |= {f"dropout.{i}": mask.contiguous() for i, mask in enumerate(masks)}
    # Mask tokens have no part in this.
    return tensors | changed | {f"gradient.{k}": v for k, v in subject.gradients().items() if v.any()}


def distance(actual: torch.Tensor, expected: torch.Tensor) -> float:
    """Relative to the largest value; absolute where all are nothing but rounding (the keys' biases)."""
    largest = float(expected.abs().max())
    difference = float((actual.double() - expected).abs().max())
    return difference if largest < 1e-6 else difference / largest


def main() -> None:
    torch.set_num_threads(1)
    for name in sys.argv[1:] or CASES:
        checkpoint, objective = CASES[name]
        seed = sum(map(ord, name))
        low_scales = name.endswith("low-scales")
        dropout = DROPOUT.get(name, 0)
        tensors = computed(checkpoint, objective, torch.float64, seed, low_scales, dropout)
        single = computed(checkpoint, objective, torch.float32, seed, low_scales, dropout)
        rounding = max(distance(single[k], v) for k, v in tensors.items() if k.startswith("gradient."))
        arrays = {
            k: np.ascontiguousarray(v.numpy(), np.uint8 if v.dtype == torch.uint8 else np.float32)
            for k, v in tensors.items()
        }
        out = FIXTURES / "training" / "gradients"
        out.mkdir(parents=True, exist_ok=True)
        metadata = {"checkpoint": checkpoint, "objective": json.dumps(objective), "float32_error": str(rounding)}
        if dropout > 0:
            metadata["dropout"] = str(dropout)
        safetensors.numpy.save_file(arrays, out / f"{name}.safetensors", metadata=metadata)
        print(name, sum(a.nbytes for a in arrays.values()), rounding)


if __name__ == "__main__":
    main()
