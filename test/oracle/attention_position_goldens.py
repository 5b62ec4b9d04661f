"""Goldens for positions inside attention: rotary embeddings as timm makes them, BEiT's relative position bias as timm and
transformers make it for grids of other sizes.

Writes test/fixtures/attention-positions.json. Run: python test/oracle/attention_position_goldens.py
"""

import json
import pathlib
import warnings

import torch
import transformers
from timm.layers import pos_embed_sincos as rope
from timm.models.beit import RelativePositionBias
from transformers.models.beit.modeling_beit import BeitRelativePositionBias

OUT = pathlib.Path(__file__).parents[1] / "fixtures" / "attention-positions.json"
HEADS = 2
WIDTH = 8
GRIDS = [((3, 3), (4, 4)), ((4, 4), (3, 2)), ((2, 3), (2, 3)), ((2, 3), (4, 3))]


def values(count: int) -> torch.Tensor:
    """The same numbers as the test computes."""
    return torch.sin(torch.arange(count, dtype=torch.float64) * 12.9898).mul(43.758).frac().float()


def table(grid: tuple[int, int]) -> torch.Tensor:
    rows = (2 * grid[0] - 1) * (2 * grid[1] - 1) + 3
    return values(rows * HEADS).reshape(rows, HEADS)


def timm_bias(made, grid) -> torch.Tensor:
    module = RelativePositionBias(made, HEADS)
    module.relative_position_bias_table = torch.nn.Parameter(table(made))
    module.set_window_size(grid)
    return module()


def transformers_bias(made, grid) -> torch.Tensor:
    config = transformers.BeitConfig(
        image_size=list(made), patch_size=1, num_attention_heads=HEADS, hidden_size=8, use_relative_position_bias=True
    )
    module = BeitRelativePositionBias(config)
    module.relative_position_bias_table = torch.nn.Parameter(table(made))
    return module(grid)[0]


def rounded(tensor: torch.Tensor) -> list[float]:
    return [round(v, 6) for v in tensor.detach().double().flatten().tolist()]


def rotations():
    shape = (3, 4)
    axial = dict(dim=WIDTH, in_pixels=False, feat_shape=shape, rotate_half=True)
    yield "index", rope.RotaryEmbeddingCat(**axial, temperature=100.0).get_embed()
    yield "stretched", rope.RotaryEmbeddingCat(**axial, ref_feat_shape=(5, 7)).get_embed()
    columns = dict(grid_offset=1.0, grid_indexing="xy", temperature=100.0)
    yield "columns first", rope.RotaryEmbeddingCat(**axial, **columns).get_embed()
    yield "centred", rope.RotaryEmbeddingDinoV3(WIDTH, feat_shape=shape).get_embed()
    mixed = rope.RotaryEmbeddingMixed(HEADS * WIDTH, depth=1, num_heads=HEADS, feat_shape=shape, grid_indexing="xy")
    mixed.freqs = torch.nn.Parameter(values(HEADS * WIDTH).reshape(2, 1, HEADS, WIDTH // 2))
    yield "mixed", mixed.get_embed()[0]


def main() -> None:
    warnings.filterwarnings("ignore")
    biases = [
        {"library": library, "made": made, "grid": grid, "expected": rounded(make(made, grid))}
        for library, make in (("timm", timm_bias), ("transformers", transformers_bias))
        for made, grid in GRIDS
    ]
    embeddings = [{"kind": kind, "expected": rounded(embedding)} for kind, embedding in rotations()]
    lines = [json.dumps(entry) for entry in (*biases, *embeddings)]
    OUT.write_text("[\n" + ",\n".join(lines) + "\n]\n")


if __name__ == "__main__":
    main()
