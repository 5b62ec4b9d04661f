"""Five steps of DINO as PyTorch takes them, on the tiny checkpoints in test/fixtures/checkpoints.

What main_dino.py of facebookresearch/dino does (Caron et al. 2021), written again in double precision: multi-crop, the
projection head with torch's weight_norm, DINOLoss with its centre, AdamW in two groups, clipping of each parameter, the
frozen last layer, the cosine schedules, the teacher's momentum. transformers keeps queries, keys and values apart, DINO's
ViT in one tensor: their gradients are clipped together. The third step has three images only. Run it with transformers
installed:

    python test/oracle/dino_steps.py
"""

from __future__ import annotations

import json
import math
import pathlib
import re

import numpy as np
import safetensors.numpy
import torch
import torch.nn.functional as F
import transformers
from training_steps import file_names

FIXTURES = pathlib.Path(__file__).parents[1] / "fixtures"
CASES = {
    "dino-vit": ("transformers-vitforimageclassification-plain", 16, 12),
    "dino-swin": ("transformers-swinforimageclassification-plain", 32, 24),
}
STEPS, BATCH, LOCALS, SHORT = 5, 4, 2, 2
EPOCHS, STEPS_PER_EPOCH, WARMUP, WARMUP_TEMPERATURE, FREEZE = 4, 2, 1, 2, 1
RATE, LEAST, DECAYS, CLIP, MOMENTUM, CENTRE = 0.08, 1e-6, (0.04, 0.4), 0.1, 0.9, 0.9
STUDENT, TEACHER = 0.1, (0.04, 0.07)
OUT, HIDDEN, BOTTLENECK = 24, 20, 12


def crop(place: int, step: int, side: int) -> torch.Tensor:
    i = np.arange(BATCH * 3 * side * side, dtype=np.float64)
    pixels = (np.sin((i + 1) * (0.31 + 0.07 * place) + step) + np.cos(i * 0.0137 * (step + 1))).astype(np.float32)
    return torch.from_numpy(pixels.reshape(BATCH, 3, side, side))


class Head(torch.nn.Module):
    def __init__(self, width: int, norm_last: bool) -> None:
        super().__init__()
        sizes = [(width, HIDDEN), (HIDDEN, HIDDEN), (HIDDEN, BOTTLENECK)]
        linears = [torch.nn.Linear(*size) for size in sizes]
        self.mlp = torch.nn.Sequential(linears[0], torch.nn.GELU(), linears[1], torch.nn.GELU(), linears[2])
        self.last_layer = torch.nn.utils.weight_norm(torch.nn.Linear(BOTTLENECK, OUT, bias=False))
        with torch.no_grad():
            for k, parameter in enumerate(self.parameters()):
                i = torch.arange(parameter.numel(), dtype=torch.float64)
                parameter.copy_(((1.7 * i + k).sin() * 0.3).float().reshape(parameter.shape))
            self.last_layer.weight_g.fill_(1)
        self.last_layer.weight_g.requires_grad = not norm_last

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.last_layer(F.normalize(self.mlp(x), dim=-1))


class Network(torch.nn.Module):
    def __init__(self, checkpoint: str, norm_last: bool) -> None:
        super().__init__()
        folder = FIXTURES / "checkpoints" / checkpoint / "checkpoint"
        kind = getattr(transformers, json.loads((folder / "config.json").read_text())["architectures"][0])
        self.backbone = kind.from_pretrained(folder, attn_implementation="eager").eval()
        self.dino_head = Head(self.backbone.config.hidden_size, norm_last)

    def features(self, x: torch.Tensor) -> torch.Tensor:
        if isinstance(self.backbone, transformers.ViTForImageClassification):
            return self.backbone.vit(x, interpolate_pos_encoding=True).last_hidden_state[:, 0]
        return self.backbone.swin(x).pooler_output

    def forward(self, crops: list[torch.Tensor]) -> list[torch.Tensor]:
        return [self.dino_head(self.features(x)) for x in crops]


def cosine(first: float, last: float, warmup: int = 0) -> list[float]:
    rising = np.linspace(0, first, warmup).tolist() if warmup > 0 else []
    n = EPOCHS * STEPS_PER_EPOCH - warmup
    return rising + [last + 0.5 * (first - last) * (1 + math.cos(math.pi * i / n)) for i in range(n)]


def clip(names: dict[str, str], model: torch.nn.Module) -> None:
    groups: dict[str, list[torch.nn.Parameter]] = {}
    for name, parameter in model.named_parameters():
        if parameter.grad is not None:
            groups.setdefault(re.sub(r"\.(query|key|value)\.", ".qkv.", names[name]), []).append(parameter)
    for group in groups.values():
        norm = torch.sqrt(sum((p.grad**2).sum() for p in group))
        for parameter in group:
            parameter.grad *= min(1, float(CLIP / (norm + 1e-6)))


def computed(case: str, norm_last: bool, dtype: torch.dtype) -> dict[str, torch.Tensor]:
    checkpoint, large, small = CASES[case]
    student = Network(checkpoint, norm_last).to(dtype)
    teacher = Network(checkpoint, norm_last).to(dtype)
    backbone = file_names(student.backbone)
    names = {n: backbone[n[9:]] if n.startswith("backbone.") else n for n, _ in student.named_parameters()}
    trained = {n: p for n, p in student.named_parameters() if p.requires_grad}
    plain = [p for n, p in trained.items() if n.endswith(".bias") or p.ndim == 1]
    decayed = [p for n, p in trained.items() if not (n.endswith(".bias") or p.ndim == 1)]
    optimizer = torch.optim.AdamW([{"params": decayed}, {"params": plain, "weight_decay": 0.0}])
    rates = cosine(RATE * BATCH / 256, LEAST, WARMUP * STEPS_PER_EPOCH)
    decays, momenta = cosine(*DECAYS), cosine(MOMENTUM, 1)
    warmed = np.linspace(*TEACHER, WARMUP_TEMPERATURE).tolist()
    centre = torch.zeros(1, OUT, dtype=dtype)
    result: dict[str, torch.Tensor] = {}
    losses, norms, entropies = [], [], []
    for step in range(STEPS):
        epoch = step // STEPS_PER_EPOCH
        for i, group in enumerate(optimizer.param_groups):
            group["lr"] = rates[step]
            if i == 0:
                group["weight_decay"] = decays[step]
        sides = [large, large, *[small] * LOCALS]
        size = BATCH - 1 if step == SHORT else BATCH
        crops = [crop(place, step, side)[:size].to(dtype) for place, side in enumerate(sides)]
        temperature = warmed[epoch] if epoch < WARMUP_TEMPERATURE else TEACHER[1]
        with torch.no_grad():
            said = teacher(crops[:2])
        wanted = [F.softmax((x - centre) / temperature, -1) for x in said]
        spoken = [x / STUDENT for x in student(crops)]
        pairs = [(q, p) for i, q in enumerate(wanted) for v, p in enumerate(spoken) if v != i]
        loss = sum((-q * F.log_softmax(p, -1)).sum(-1).mean() for q, p in pairs) / len(pairs)
        optimizer.zero_grad()
        loss.backward()
        if step == 0:
            result |= {f"gradients.{names[n]}": p.grad.clone() for n, p in trained.items() if p.grad is not None}
        norms.append(torch.sqrt(sum((p.grad**2).sum() for p in trained.values() if p.grad is not None)))
        clip(names, student)
        if epoch < FREEZE:
            for name, parameter in student.named_parameters():
                if "last_layer" in name:
                    parameter.grad = None
        optimizer.step()
        with torch.no_grad():
            for p, q in zip(student.parameters(), teacher.parameters(), strict=True):
                q.mul_(momenta[step]).add_((1 - momenta[step]) * p)
        centre = centre * CENTRE + torch.cat(said).mean(0, keepdim=True) * (1 - CENTRE)
        losses.append(loss.detach())
        entropies.append(-(torch.cat(wanted) * torch.cat(wanted).log()).sum(-1).mean())
    result |= {f"student.{names[n]}": p.detach() for n, p in student.named_parameters() if n in trained}
    result |= {f"teacher.{names[n]}": p.detach() for n, p in teacher.named_parameters() if n in trained}
    features = teacher.features(crop(0, STEPS, large).to(dtype)).detach()
    rest = {"losses": losses, "norms": norms, "entropies": entropies}
    return result | {k: torch.stack(v) for k, v in rest.items()} | {"centre": centre[0], "features": features}


def main() -> None:
    torch.set_num_threads(1)
    out = FIXTURES / "training" / "dino"
    out.mkdir(exist_ok=True)
    runs = {**{case: (case, True) for case in CASES}, "dino-vit-free-last-layer": ("dino-vit", False)}
    for name, (case, norm_last) in runs.items():
        exact, single = (computed(case, norm_last, dtype) for dtype in (torch.float64, torch.float32))
        # What neither loss depends on (the classifier, the keys' biases) has no gradient, or one of rounding alone.
        kept = {k: v for k, v in exact.items() if not re.search(r"classifier|pooler\.dense|mask_token|key\.bias", k)}
        error = max(float((single[k].double() - v).abs().max() / v.abs().max()) for k, v in kept.items())
        arrays = {k: np.ascontiguousarray(v.numpy(), np.float32) for k, v in kept.items()}
        metadata = {"checkpoint": CASES[case][0], "sizes": json.dumps(CASES[case][1:]), "float32_error": str(error)}
        safetensors.numpy.save_file(arrays, out / f"{name}.safetensors", metadata=metadata)
        print(name, sum(a.nbytes for a in arrays.values()), error, exact["losses"], exact["norms"], exact["entropies"])


if __name__ == "__main__":
    main()
