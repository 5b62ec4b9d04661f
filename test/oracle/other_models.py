"""Models that are no vision transformers, or no classifiers, for the tests of what they are answered.

    python test/oracle/other_models.py test/fixtures/cli
"""

import pathlib
import sys

import torch
from torch import nn


class Residual(nn.Module):
    def __init__(self, channels):
        super().__init__()
        self.conv1 = nn.Conv2d(channels, channels, 3, padding=1, bias=False)
        self.bn1 = nn.BatchNorm2d(channels)
        self.conv2 = nn.Conv2d(channels, channels, 3, padding=1, bias=False)
        self.bn2 = nn.BatchNorm2d(channels)

    def forward(self, x):
        return torch.relu(x + self.bn2(self.conv2(torch.relu(self.bn1(self.conv1(x))))))


def resnet():
    """A small ResNet: 32 x 32 pixels, four classes."""
    return nn.Sequential(
        nn.Conv2d(3, 8, 7, 2, 3, bias=False),
        nn.BatchNorm2d(8),
        nn.ReLU(),
        nn.MaxPool2d(3, 2, 1),
        Residual(8),
        nn.Conv2d(8, 16, 1, 2),
        Residual(16),
        nn.AdaptiveAvgPool2d(1),
        nn.Flatten(),
        nn.Linear(16, 4),
    )


def segmenter():
    """One logit a pixel: no classifier of images."""
    return nn.Sequential(nn.Conv2d(3, 8, 3, padding=1), nn.ReLU(), nn.Conv2d(8, 2, 1))


def export(model, path):
    torch.onnx.export(
        model.eval(),
        (torch.randn(1, 3, 32, 32),),
        path,
        input_names=["pixel_values"],
        output_names=["logits"],
        dynamic_axes={"pixel_values": {0: "batch"}, "logits": {0: "batch"}},
        opset_version=17,
        dynamo=False,
    )


class Text(nn.Module):
    """Token numbers in, classes out: nothing to see."""

    def __init__(self):
        super().__init__()
        self.words = nn.Embedding(20, 8)
        self.head = nn.Linear(8, 3)

    def forward(self, ids):
        return self.head(self.words(ids).mean(1))


folder = pathlib.Path(sys.argv[1])
folder.mkdir(parents=True, exist_ok=True)
torch.manual_seed(0)
export(resnet(), folder / "resnet.onnx")
export(segmenter(), folder / "segmenter.onnx")
torch.onnx.export(
    Text().eval(),
    (torch.zeros(1, 7, dtype=torch.int64),),
    folder / "text.onnx",
    input_names=["input_ids"],
    output_names=["logits"],
    opset_version=17,
    dynamo=False,
)
