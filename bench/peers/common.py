"""What the peers share: the models with random weights, medians of wall time, a JSON line a result."""

from __future__ import annotations

import json
import statistics
import sys
import time
from typing import Callable

import timm
import torch

MODELS = ["vit_base_patch16_224", "vit_tiny_patch16_224", "swin_tiny_patch4_window7_224"]
THREADS = 2


def model(name: str) -> torch.nn.Module:
    torch.manual_seed(0)
    torch.set_num_threads(THREADS)
    return timm.create_model(name, pretrained=False).eval()


def pictures(batch: int) -> torch.Tensor:
    return torch.randn(batch, 3, 224, 224, generator=torch.Generator().manual_seed(1))


def median_ms(run: Callable[[], object], repeats: int) -> float:
    """After two runs that do not count."""
    times = []
    for i in range(repeats + 2):
        started = time.perf_counter()
        run()
        if i >= 2:
            times.append(time.perf_counter() - started)
    return statistics.median(times) * 1000


def report(peer: str, name: str, batch: int, ms: float, **more) -> None:
    line = {"peer": peer, "model": name, "batch": batch, "ms": round(ms, 3), **more}
    json.dump({**line, "threads": THREADS, "torch": torch.__version__, "timm": timm.__version__}, sys.stdout)
    print(flush=True)
