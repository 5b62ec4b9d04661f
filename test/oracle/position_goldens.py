"""Goldens for interpolated position embeddings: torch.nn.functional.interpolate on small grids.

Writes test/fixtures/positions.json. Run: python test/oracle/position_goldens.py
"""

import json
from pathlib import Path

import torch
from torch.nn.functional import interpolate

OUT = Path(__file__).parent.parent / "fixtures" / "positions.json"
DIM = 2
MODES = {
    "bicubic": {"mode": "bicubic", "align_corners": False},
    "bicubic-antialias": {"mode": "bicubic", "align_corners": False, "antialias": True},
    "bicubic-align-corners": {"mode": "bicubic", "align_corners": True},
    "bilinear": {"mode": "bilinear", "align_corners": False},
}
GRIDS = [((4, 4), (7, 7)), ((7, 7), (3, 3)), ((5, 3), (4, 8)), ((2, 6), (9, 1)), ((3, 3), (3, 5)), ((13, 13), (5, 4))]


def values(height: int, width: int) -> torch.Tensor:
    """The same numbers as the test computes: no grid need be stored."""
    at = torch.arange(height * width * DIM, dtype=torch.float64)
    return torch.sin(at * 12.9898).mul(43.758).frac().float().reshape(height * width, DIM)


def main() -> None:
    cases = []
    for mode, arguments in MODES.items():
        for source, target in GRIDS:
            grid = values(*source).reshape(1, *source, DIM).permute(0, 3, 1, 2)
            result = interpolate(grid, size=target, **arguments)
            rows = result.permute(0, 2, 3, 1).reshape(-1).tolist()
            cases.append({"mode": mode, "from": source, "to": target, "expected": [round(v, 7) for v in rows]})
    OUT.write_text("[\n" + ",\n".join(json.dumps(case) for case in cases) + "\n]\n")


if __name__ == "__main__":
    main()
