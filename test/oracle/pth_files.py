"""Writes tiny checkpoints in every way that training scripts write them, and what must come out of each.

    python test/oracle/pth_files.py [--out test/fixtures/weights]

`weights.safetensors` holds the tensors that every file in GOOD must give, by these names; a file X.pth with an
X.safetensors beside it must give those instead. Files in `refused/` must be refused. Needs torch, numpy, safetensors and
huggingface_hub; the tests of Vitreous need none of them.
"""

from __future__ import annotations

import argparse
import os
import pathlib
import shutil
import warnings
from collections import Counter, OrderedDict, defaultdict

import huggingface_hub
import numpy
import safetensors.torch
import torch
from torch import nn

warnings.filterwarnings("ignore")


class Block(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.norm1 = nn.LayerNorm(4)
        self.qkv = nn.Linear(4, 6)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.qkv(self.norm1(x))


class Tiny(nn.Module):
    """Not a transformer, but named like one."""

    def __init__(self) -> None:
        super().__init__()
        self.cls_token = nn.Parameter(torch.randn(1, 1, 4))
        self.register_buffer("index", torch.arange(6).reshape(2, 3))
        self.blocks = nn.Sequential(Block())
        self.head = nn.Linear(6, 3)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.head(self.blocks(x + self.cls_token))


def prefixed(prefix: str, tensors: dict[str, torch.Tensor]) -> OrderedDict:
    return OrderedDict((prefix + name, tensor) for name, tensor in tensors.items())


def trained(model: nn.Module) -> torch.optim.Optimizer:
    """An optimizer that has state, of a copy's training: the model's own weights stay."""
    optimizer = torch.optim.AdamW(model.parameters(), lr=0.0, weight_decay=0.0)
    model(torch.randn(2, 5, 4)).sum().backward()
    optimizer.step()
    return optimizer


def good(model: Tiny) -> dict[str, object]:
    """File name → what is saved, or a function that saves it."""
    weights = model.state_dict()
    other = OrderedDict((name, torch.zeros_like(t)) for name, t in weights.items())
    optimizer = trained(model).state_dict()
    projection = {"head.mlp.0.weight": torch.ones(2, 4), "head.last_layer.weight_g": torch.ones(2, 1)}
    plain_values = {
        "lr": 1e-3,
        "tags": {"a", "b"},
        "frozen": frozenset([1]),
        "raw": b"\x00\xff",
        "empty": b"",
        "big": 2**80,
        "negative": -(2**40),
        "small": -5,
        "none": None,
        "pair": (1, "zwei"),
        "four": (1, 2, 3, 4),
        "flags": [True, False],
        "size": torch.Size([2, 3]),
        "counter": Counter([30, 60]),
        "lists": defaultdict(list, {"a": [1]}),
        "dtype": torch.bfloat16,
        "nested": {"list": [[1.5], {}], 7: "integer key"},
    }
    average = torch.optim.swa_utils.AveragedModel(model)
    with_attribute = nn.Parameter(weights["cls_token"].clone())
    with_attribute.decay = False
    return {
        "plain.pth": weights,
        "protocol4.pth": lambda path: torch.save({"state_dict": weights, "args": plain_values}, path, pickle_protocol=4),
        "protocol5.pth": lambda path: torch.save({"model": weights, "args": plain_values}, path, pickle_protocol=5),
        "training.pt": {
            "epoch": 7,
            "loss": 0.25,
            "args": plain_values,
            "model_state_dict": weights,
            "optimizer_state_dict": optimizer,
            "rng": torch.random.get_rng_state()[:16].clone(),
        },
        "imagenet.pth.tar": {
            "epoch": 90,
            "arch": "vit_b_16",
            "state_dict": prefixed("module.", weights),
            "best_acc1": torch.tensor(71.5),
            "optimizer": optimizer,
        },
        "dino.pth": {
            "student": {**prefixed("module.backbone.", other), **prefixed("module.", projection)},
            "teacher": {**prefixed("backbone.", weights), **projection},
            "optimizer": optimizer,
            "epoch": 100,
            "dino_loss": OrderedDict(center=torch.zeros(1, 2)),
        },
        "dinov2.pth": {
            "model": {
                **prefixed("student.backbone.", other),
                **prefixed("teacher.backbone.", weights),
                "teacher.dino_head.mlp.0.weight": torch.ones(2, 4),
                "dino_loss.center": torch.zeros(1, 2),
            },
            "iteration": 5,
        },
        "student.pth": {"student": prefixed("module.backbone.", weights), "epoch": 3},
        "ema.pth": {"state_dict": other, "state_dict_ema": weights, "optimizer": optimizer},
        "lightning.ckpt": {
            "epoch": 1,
            "global_step": 10,
            "pytorch-lightning_version": "2.1.0",
            "state_dict": {**prefixed("model.", weights), "criterion.weight": torch.ones(3)},
            "loops": {"fit_loop": {"state_dict": {}}},
            "optimizer_states": [optimizer],
            "hyper_parameters": {"lr": 1e-3},
        },
        "compiled.pt": prefixed("module._orig_mod.", weights),
        "compiled_blocks.bin": OrderedDict((n.replace("blocks.0.", "blocks.0._orig_mod."), t) for n, t in weights.items()),
        "averaged.pth": average.state_dict(),
        "unusual.pth": {"net": weights, "acc": 93.5, "epoch": 2, "criterion": {"weight": torch.ones(3)}},
        "parameters.pth": {**model.state_dict(keep_vars=True), "cls_token": with_attribute},
    }


def dtypes() -> dict[str, torch.Tensor]:
    names = "float64 float32 float16 bfloat16 int64 int32 int16 int8 uint8 uint16 uint32 uint64".split()
    tensors = {name: torch.tensor([0, 1, 2, 100]).to(getattr(torch, name)) for name in names}
    return {**tensors, "bool": torch.tensor([True, False, True]), "fraction": torch.tensor([-1.5, 3e-8]).half()}


def views() -> dict[str, torch.Tensor]:
    base = torch.arange(120, dtype=torch.float32)
    grid = base.reshape(2, 3, 4, 5)
    return {
        "base": base,
        "grid": grid,
        "row": grid[1, 2],
        "column": grid[0, :, :, 2],
        "transposed": grid[0, 0].T,
        "permuted": grid.permute(3, 0, 2, 1),
        "every_other": base[3::7],
        "channels_last": torch.randn(2, 3, 2, 2).to(memory_format=torch.channels_last),
        "one_channel_last": torch.randn(1, 3, 1, 1).to(memory_format=torch.channels_last),
        "expanded": torch.tensor([[1.0], [2.0]]).expand(2, 3),
        "half_transposed": torch.arange(6).reshape(2, 3).half().T,
        "scalar": torch.tensor(4.5),
        "last": base[119],
        "empty": torch.zeros(0, 3),
        "empty_view": base[5:5],
    }


class Evil:
    def __reduce__(self):
        return os.system, ("echo executed > executed.txt",)


def refused(model: Tiny) -> dict[str, object]:
    weights = model.state_dict()
    return {
        "legacy.pth": lambda path: torch.save(weights, path, _use_new_zipfile_serialization=False),
        "torchscript.pt": lambda path: torch.jit.script(nn.Linear(2, 2)).save(str(path)),
        "whole_model.pth": nn.Linear(2, 2),
        "numpy_scalar.pth": {"state_dict": weights, "best": numpy.float64(0.5)},
        "namespace.pth": {"model": weights, "args": argparse.Namespace(lr=0.1)},
        "evil.pth": {"state_dict": weights, "extra": Evil()},
        "sparse.pth": {"weight": torch.eye(3).to_sparse()},
        "conjugated.pth": {"weight": torch.ones(2, dtype=torch.complex64).conj()},
        "a_tensor.pth": torch.ones(3),
        "no_tensors.pth": {"epoch": 3, "lr": 0.1},
        "ambiguous.pth": {"encoder": dict(weights), "decoder": dict(weights)},
        "archive.npz": lambda path: numpy.savez(path, a=numpy.ones(2)),
    }


def save(path: pathlib.Path, what: object) -> None:
    if callable(what) and not isinstance(what, nn.Module):
        what(path)
    else:
        torch.save(what, path)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    default = pathlib.Path(__file__).resolve().parents[1] / "fixtures" / "weights"
    parser.add_argument("--out", type=pathlib.Path, default=default)
    out = parser.parse_args().out
    shutil.rmtree(out, ignore_errors=True)
    (out / "refused").mkdir(parents=True)
    torch.manual_seed(0)
    model = Tiny()
    weights = {name: t.clone() for name, t in model.state_dict().items()}
    safetensors.torch.save_file(weights, out / "weights.safetensors")
    for name, what in good(model).items():
        save(out / name, what)
    for name, tensors in {"dtypes": dtypes(), "views": views()}.items():
        torch.save(tensors, out / f"{name}.pth")
        contiguous = {key: t.clone(memory_format=torch.contiguous_format) for key, t in tensors.items()}
        safetensors.torch.save_file(contiguous, out / f"{name}.safetensors")
    torch.save({**weights, "scale": torch.ones(2).to(torch.float8_e4m3fn)}, out / "float8.pth")
    safetensors.torch.save_file({**weights, "scale": torch.ones(2).to(torch.float8_e4m3fn)}, out / "float8.safetensors")
    for folder, safe in {"sharded": True, "sharded_bin": False}.items():
        (out / folder).mkdir()
        huggingface_hub.save_torch_state_dict(weights, out / folder, max_shard_size=120, safe_serialization=safe)
    for name, what in refused(model).items():
        save(out / "refused" / name, what)


if __name__ == "__main__":
    main()
