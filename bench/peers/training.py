"""PyTorch's training step, as bench/training-steps.js takes it: AdamW, clipping, images that are there already.

    python bench/peers/training.py ARCHITECTURE BATCH THREADS

Takes a step whenever it reads a line. Writes its name when it is ready and after each step; at the end of the input, its
peak of memory in MB. Needs torch and timm.
"""

import resource
import sys

import timm
import torch

CLASSES = 8

name, batch, threads = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
torch.set_num_threads(threads)
torch.manual_seed(0)
model = timm.create_model(name, pretrained=False, num_classes=CLASSES).train()
optimiser = torch.optim.AdamW(model.parameters(), 1e-4, weight_decay=0.05)
pictures = torch.randn(batch, *model.default_cfg["input_size"])
labels = torch.arange(batch) % CLASSES
print(f"PyTorch {torch.__version__}", flush=True)
for _ in sys.stdin:
    optimiser.zero_grad()
    torch.nn.functional.cross_entropy(model(pictures), labels).backward()
    torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
    optimiser.step()
    print("done", flush=True)
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024, flush=True)
