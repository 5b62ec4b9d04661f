"""Tiny transformers built in ways that the model zoo does not cover, for the tests of the anatomy.

    python test/oracle/anatomy_models.py test/fixtures/anatomy

Random weights, 32 × 32 pixels, patches of 8, width 16, two blocks: what counts is how the graph is put together.
"""

import pathlib
import sys

import torch
import transformers
from torch import nn

DIM, HEADS, CLASSES, PATCHES = 16, 2, 5, 16


class Block(nn.Module):
    def __init__(self, norm=True, parallel=False):
        super().__init__()
        self.norm1 = nn.LayerNorm(DIM) if norm else nn.Identity()
        self.norm2 = nn.LayerNorm(DIM) if norm else nn.Identity()
        self.qkv = nn.Linear(DIM, 3 * DIM)
        self.proj = nn.Linear(DIM, DIM)
        self.mlp = nn.Sequential(nn.Linear(DIM, 2 * DIM), nn.GELU(), nn.Linear(2 * DIM, DIM))
        self.parallel = parallel

    def attention(self, x):
        n, length, dim = x.shape
        q, k, v = self.qkv(x).reshape(n, length, 3, HEADS, dim // HEADS).permute(2, 0, 3, 1, 4)
        weights = (q @ k.transpose(-1, -2) * (dim // HEADS) ** -0.5).softmax(-1)
        return self.proj((weights @ v).transpose(1, 2).reshape(n, length, dim))

    def forward(self, x):
        if self.parallel:
            y = self.norm1(x)
            return x + self.attention(y) + self.mlp(y)
        x = x + self.attention(self.norm1(x))
        return x + self.mlp(self.norm2(x))


class Plain(nn.Module):
    """A ViT with a choice of patch embedding, of where the other tokens stand, and of head."""

    def __init__(self, patch="conv", tokens="first", head="token", classes=CLASSES, **block):
        super().__init__()
        self.patch, self.tokens, self.head = patch, tokens, head
        self.conv = nn.Conv2d(3, DIM, 8, 8)
        self.linear = nn.Sequential(nn.LayerNorm(192), nn.Linear(192, DIM))
        self.stem = nn.Sequential(
            *(m for i, o in [(3, 8), (8, 12), (12, DIM)] for m in (nn.Conv2d(i, o, 3, 2, 1), nn.ReLU())),
            nn.Conv2d(DIM, DIM, 1),
        )
        self.cls = nn.Parameter(torch.randn(1, 1, DIM))
        self.registers = nn.Parameter(torch.randn(1, 4, DIM))
        self.position = nn.Parameter(torch.randn(1, PATCHES + 5, DIM))
        self.blocks = nn.Sequential(Block(**block), Block(**block))
        self.norm = nn.LayerNorm(DIM)
        self.query = nn.Parameter(torch.randn(1, 1, DIM))
        self.pool = nn.MultiheadAttention(DIM, HEADS, batch_first=True)
        self.fc = nn.Linear(DIM, classes) if classes else nn.Identity()

    def embed(self, x):
        n, _, h, w = x.shape
        if self.patch == "linear":
            x = x.reshape(n, 3, h // 8, 8, w // 8, 8).permute(0, 2, 4, 3, 5, 1)
            return self.linear(x.reshape(n, h * w // 64, 192))
        return (self.stem if self.patch == "stem" else self.conv)(x).flatten(2).transpose(1, 2)

    def forward(self, x):
        t = self.embed(x)
        cls, registers = (p.expand(x.shape[0], -1, -1) for p in (self.cls, self.registers))
        if self.tokens == "first":
            t = torch.cat([cls, t], 1)
        elif self.tokens == "last":
            t = torch.cat([t, cls], 1)
        elif self.tokens == "around":
            t = torch.cat([cls, t, registers], 1)
        elif self.tokens == "columns":
            t = torch.cat([cls, t.reshape(-1, 4, 4, DIM).transpose(1, 2).reshape(-1, PATCHES, DIM)], 1)
        t = self.norm(self.blocks(t + self.position[:, : t.shape[1]]))
        if self.head == "token":
            pooled = t[:, -1] if self.tokens == "last" else t[:, 0]
        elif self.head == "mean":
            pooled = t.mean(1)
        elif self.head == "product":
            pooled = (torch.full((1, t.shape[1]), 1 / t.shape[1]) @ t).squeeze(1)
        else:
            pooled = self.pool(self.query.expand(x.shape[0], -1, -1), t, t)[0][:, 0]
        return self.fc(pooled)


class SequenceFirst(nn.Module):
    """torch.nn's encoder layers on [tokens, N, C], norms before the branches or behind them."""

    def __init__(self, norm_first=True):
        super().__init__()
        self.conv = nn.Conv2d(3, DIM, 8, 8)
        self.cls = nn.Parameter(torch.randn(1, 1, DIM))
        self.layers = nn.ModuleList(
            nn.TransformerEncoderLayer(DIM, HEADS, 2 * DIM, activation="gelu", norm_first=norm_first) for _ in range(2)
        )
        self.norm = nn.LayerNorm(DIM)
        self.fc = nn.Linear(DIM, CLASSES)

    def forward(self, x):
        t = self.conv(x).flatten(2).permute(2, 0, 1)
        t = torch.cat([self.cls.expand(-1, t.shape[1], -1), t], 0)
        for layer in self.layers:
            # Written out: the module's own forward takes a fused path that does not export.
            y = layer.norm1(t) if layer.norm_first else t
            t = t + layer.self_attn(y, y, y)[0]
            t = t if layer.norm_first else layer.norm1(t)
            y = layer.norm2(t) if layer.norm_first else t
            t = t + layer.linear2(layer.activation(layer.linear1(y)))
            t = t if layer.norm_first else layer.norm2(t)
        return self.fc(self.norm(t)[0])


class Several(nn.Module):
    """A model with more than one output."""

    def __init__(self, model, outputs):
        super().__init__()
        self.model, self.outputs = model, outputs

    def forward(self, x):
        return self.outputs(self.model(x))


def teacher():
    config = transformers.DeiTConfig(
        hidden_size=DIM, num_hidden_layers=1, num_attention_heads=HEADS, intermediate_size=2 * DIM,
        image_size=32, patch_size=8, num_labels=CLASSES,
    )
    model = transformers.DeiTForImageClassificationWithTeacher(config)
    return Several(model, lambda o: (o.cls_logits, o.distillation_logits, o.logits))


def pooler():
    config = transformers.ViTConfig(
        hidden_size=DIM, num_hidden_layers=1, num_attention_heads=HEADS, intermediate_size=2 * DIM,
        image_size=32, patch_size=8,
    )
    return Several(transformers.ViTModel(config), lambda o: (o.last_hidden_state, o.pooler_output))


MODELS = {
    "sequence_first": SequenceFirst,
    "post_norm": lambda: SequenceFirst(norm_first=False),
    "linear_patches": lambda: Plain(patch="linear", tokens="none", head="mean"),
    "conv_stem": lambda: Plain(patch="stem"),
    "class_token_last": lambda: Plain(tokens="last"),
    "registers_behind": lambda: Plain(tokens="around"),
    "column_order": lambda: Plain(tokens="columns"),
    "mean_of_all": lambda: Plain(head="mean"),
    "mean_by_product": lambda: Plain(tokens="none", head="product"),
    "attention_pool": lambda: Plain(tokens="none", head="pool"),
    "no_norms": lambda: Plain(norm=False),
    "parallel": lambda: Plain(parallel=True),
    "log_softmax": lambda: Several(Plain(), lambda z: z.log_softmax(-1)),
    "sigmoid": lambda: Several(Plain(), lambda z: z.sigmoid()),
    "probabilities_and_logits": lambda: Several(Plain(), lambda z: (z.softmax(-1), z)),
    "teacher": teacher,
    "features": lambda: Plain(classes=0),
    "pooler": pooler,
}


def main() -> None:
    out = pathlib.Path(sys.argv[1])
    out.mkdir(parents=True, exist_ok=True)
    for name, make in MODELS.items():
        torch.manual_seed(0)
        model = make().eval()
        torch.onnx.export(
            model, (torch.randn(2, 3, 32, 32),), out / f"{name}.onnx", opset_version=17, dynamo=False,
            input_names=["pixels"], dynamic_axes={"pixels": {0: "n"}},
        )


if __name__ == "__main__":
    main()
