"""Gradient attention rollout as vit-explain describes it: hooks on every attention's dropout, one image at a time.

Its two known defects (order of the gradients, axis of the row sums) cost no time and are kept, so that it is the
same work.
"""

import torch

import common


class GradientRollout:
    def __init__(self, model: torch.nn.Module, discard: float):
        self.model, self.discard = model, discard
        self.attentions: list[torch.Tensor] = []
        self.gradients: list[torch.Tensor] = []
        for name, module in model.named_modules():
            if name.endswith("attn"):
                module.fused_attn = False
            if name.endswith("attn_drop"):
                module.register_forward_hook(lambda _m, _i, out: self.attentions.append(out.detach()))
                module.register_full_backward_hook(lambda _m, grads, _out: self.gradients.append(grads[0]))

    def __call__(self, image: torch.Tensor) -> torch.Tensor:
        self.attentions, self.gradients = [], []
        self.model.zero_grad()
        logits = self.model(image)
        logits[0, logits[0].argmax()].backward()
        identity = torch.eye(self.attentions[0].shape[-1])
        result = identity
        with torch.no_grad():
            for attention, gradient in zip(self.attentions, self.gradients):
                fused = (attention * gradient).mean(1)[0].clamp(min=0)
                flat = fused.view(-1)
                flat[flat.topk(int(flat.numel() * self.discard), largest=False).indices] = 0
                step = (fused + identity) / 2
                result = (step / step.sum(-1)) @ result
        mask = result[0, 1:].reshape(14, 14)
        return mask / mask.max()


def measure(name: str, batch: int, repeats: int) -> None:
    if not name.startswith("vit"):
        return
    explain, x = GradientRollout(common.model(name), 0.9), common.pictures(batch).requires_grad_()
    ms = common.median_ms(lambda: [explain(x[i : i + 1]) for i in range(batch)], repeats)
    common.report("vit-explain", name, batch, ms)
