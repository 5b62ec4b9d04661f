"""What a checkpoint to be tried is: a model, the way it is saved, and what its user says when opening it."""

from __future__ import annotations

import dataclasses
import json
import pathlib
import re
from typing import Callable

import torch

from goldens import Subject

Save = Callable[[pathlib.Path], "str | None"]
"""Writes the checkpoint into a folder; the file's name where one file is opened instead of the folder."""


@dataclasses.dataclass
class Made:
    subject: Subject
    """The model as it computes (weights already rounded to their stored precision)."""
    save: Save
    arch: str | None = None
    """--arch, where a bare state dict needs it"""
    asked: tuple[int, int] | None = None
    """The image size that the user asks for, where it is not the checkpoint's."""
    classes: bool = True
    """False: the model has no classifier and gives features."""
    channels: int = 3


@dataclasses.dataclass
class Case:
    library: str
    architecture: str
    variant: str
    make: Callable[[int], Made]
    """Seed of the weights -> the model"""
    fixture: bool = False
    """Small and telling: the repository carries it."""
    full: bool = False
    """Of the published size, with input and logits only."""

    @property
    def name(self) -> str:
        words = f"{self.library} {self.architecture} {self.variant}".lower()
        return re.sub(r"[^a-z0-9]+", "-", words).strip("-")


def rounded(model: torch.nn.Module, dtype: torch.dtype | None) -> torch.nn.Module:
    """The model with weights that are exact in `dtype`; it still computes in float32."""
    if dtype is not None:
        with torch.no_grad():
            for p in model.parameters():
                p.copy_(p.to(dtype))
    return model


def in_precision(state: dict, dtype: torch.dtype | None) -> dict:
    """Parameters and buffers as they are stored; indices stay what they are."""
    if dtype is None:
        return state
    return {k: v.to(dtype) if v.is_floating_point() else v for k, v in state.items()}


def prefixed(state: dict, prefix: str) -> dict:
    return {prefix + k: v for k, v in state.items()}


def pickled(name: str, content: Callable[[], object]) -> Save:
    """A file as torch.save writes it."""

    def save(folder: pathlib.Path) -> str:
        folder.mkdir(parents=True, exist_ok=True)
        torch.save(content(), folder / name)
        return name

    return save


def edit_json(path: pathlib.Path, change: Callable[[dict], dict]) -> None:
    path.write_text(json.dumps(change(json.loads(path.read_text())), indent=2) + "\n")
