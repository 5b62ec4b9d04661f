"""PyTorch's training step, as bench/training.js takes it: AdamW, clipping, images that are there already.

    python bench/peers/training.py vit_tiny_patch16_224 [--batch 16] [--steps 9] [--threads 2]

Needs torch and timm. Prints images a second (median, best) and peak memory.
"""

import argparse
import resource
import time

import timm
import torch

parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
parser.add_argument("model")
parser.add_argument("--batch", type=int, default=16)
parser.add_argument("--steps", type=int, default=9)
parser.add_argument("--threads", type=int, default=2)
options = parser.parse_args()

torch.set_num_threads(options.threads)
torch.manual_seed(0)
model = timm.create_model(options.model, pretrained=False).train()
optimiser = torch.optim.AdamW(model.parameters(), 1e-4, weight_decay=0.05)
pictures = torch.randn(options.batch, 3, 224, 224)
labels = torch.arange(options.batch)
seconds = []
for _ in range(options.steps + 1):
    start = time.perf_counter()
    optimiser.zero_grad()
    torch.nn.functional.cross_entropy(model(pictures), labels).backward()
    torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
    optimiser.step()
    seconds.append(time.perf_counter() - start)
seconds = sorted(seconds[1:])
median, best = (options.batch / s for s in (seconds[len(seconds) // 2], seconds[0]))
memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
print(f"{options.model}, batch {options.batch}: {median:.1f} images/s (median), {best:.1f} (best), {memory} MB at most")
