"""The detector that is trained: YOLOX-nano (Ge et al. 2021, "YOLOX: Exceeding YOLO Series in 2021"), 0.9 M parameters.

One-stage and anchor-free: every cell of three grids (strides 8, 16, 32) says one box, whether an object is there, and
its class. Layer for layer the published architecture, so that published weights can be read into it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import torch
from torch import nn

STRIDES = (8, 16, 32)
"""Input pixels per cell of each grid, in the order of the outputs."""
_STEM = 16
"""Channels after the stem: 64 x the nano width of 0.25; every other width is a multiple."""
_NORM_EPS, _NORM_MOMENTUM = 1e-3, 0.03


class ConvUnit(nn.Module):
    """Convolution, batch normalisation, SiLU; the spatial size shrinks only by `stride`."""

    def __init__(self, inputs: int, outputs: int, kernel: int, stride: int = 1, groups: int = 1) -> None:
        super().__init__()
        self.conv = nn.Conv2d(inputs, outputs, kernel, stride, (kernel - 1) // 2, groups=groups, bias=False)
        self.norm = nn.BatchNorm2d(outputs, eps=_NORM_EPS, momentum=_NORM_MOMENTUM)
        self.act = nn.SiLU()

    def forward(self, x: Any) -> Any:
        """Map (B, inputs, H, W) to (B, outputs, H / stride, W / stride)."""
        return self.act(self.norm(self.conv(x)))


def separable(inputs: int, outputs: int, kernel: int, stride: int = 1) -> Any:
    """Return a depthwise unit followed by a pointwise one: a full convolution's reach at a tenth of its cost."""
    return nn.Sequential(ConvUnit(inputs, inputs, kernel, stride, groups=inputs), ConvUnit(inputs, outputs, 1))


class Bottleneck(nn.Module):
    """A pointwise and a separable unit, added to the input when `shortcut`."""

    def __init__(self, channels: int, *, shortcut: bool) -> None:
        super().__init__()
        self.reduce = ConvUnit(channels, channels, 1)
        self.spread = separable(channels, channels, 3)
        self.shortcut = shortcut

    def forward(self, x: Any) -> Any:
        """Keep the shape."""
        y = self.spread(self.reduce(x))
        return y + x if self.shortcut else y


class CrossStage(nn.Module):
    """Half of the channels take the bottlenecks, half pass by (CSP)."""

    def __init__(self, inputs: int, outputs: int, depth: int = 1, *, shortcut: bool = True) -> None:
        super().__init__()
        self.main = ConvUnit(inputs, outputs // 2, 1)
        self.side = ConvUnit(inputs, outputs // 2, 1)
        self.blocks = nn.Sequential(*(Bottleneck(outputs // 2, shortcut=shortcut) for _ in range(depth)))
        self.join = ConvUnit(outputs, outputs, 1)

    def forward(self, x: Any) -> Any:
        """Map `inputs` channels to `outputs`, same size."""
        main, side = self.main(x), self.side(x)
        return self.join(torch.cat([self.blocks(main), side], dim=1))


class PyramidPooling(nn.Module):
    """Maxima over 5, 9 and 13 cells beside the input (SPP)."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.reduce = ConvUnit(channels, channels // 2, 1)
        self.pools = nn.ModuleList(nn.MaxPool2d(size, 1, size // 2) for size in (5, 9, 13))
        self.join = ConvUnit(channels * 2, channels, 1)

    def forward(self, x: Any) -> Any:
        """Keep the shape."""
        x = self.reduce(x)
        return self.join(torch.cat([x, *(pool(x) for pool in self.pools)], dim=1))


class Focus(nn.Module):
    """Stack each 2x2 block of pixels into channels (top left, bottom left, top right, bottom right), then convolve."""

    def __init__(self, outputs: int) -> None:
        super().__init__()
        self.unit = ConvUnit(12, outputs, 3)

    def forward(self, x: Any) -> Any:
        """Map a (B, 3, H, W) picture to (B, outputs, H / 2, W / 2)."""
        corners = [x[:, :, ::2, ::2], x[:, :, 1::2, ::2], x[:, :, ::2, 1::2], x[:, :, 1::2, 1::2]]
        return self.unit(torch.cat(corners, dim=1))


class Backbone(nn.Module):
    """CSPDarknet: the features at strides 8, 16 and 32."""

    def __init__(self) -> None:
        super().__init__()
        self.stem = Focus(_STEM)
        self.stage4 = nn.Sequential(separable(_STEM, _STEM * 2, 3, 2), CrossStage(_STEM * 2, _STEM * 2))
        self.stage8 = nn.Sequential(separable(_STEM * 2, _STEM * 4, 3, 2), CrossStage(_STEM * 4, _STEM * 4, 3))
        self.stage16 = nn.Sequential(separable(_STEM * 4, _STEM * 8, 3, 2), CrossStage(_STEM * 8, _STEM * 8, 3))
        self.stage32 = nn.Sequential(
            separable(_STEM * 8, _STEM * 16, 3, 2),
            PyramidPooling(_STEM * 16),
            CrossStage(_STEM * 16, _STEM * 16, shortcut=False),
        )

    def forward(self, x: Any) -> tuple[Any, Any, Any]:
        """Return the features of 64, 128 and 256 channels."""
        at8 = self.stage8(self.stage4(self.stem(x)))
        at16 = self.stage16(at8)
        return at8, at16, self.stage32(at16)


class Neck(nn.Module):
    """Path aggregation (PAFPN): coarse features go down to the fine grid and come up again."""

    def __init__(self) -> None:
        super().__init__()
        fine, middle, coarse = _STEM * 4, _STEM * 8, _STEM * 16
        self.enlarge = nn.Upsample(scale_factor=2, mode="nearest")
        self.lateral32 = ConvUnit(coarse, middle, 1)
        self.down16 = CrossStage(coarse, middle, shortcut=False)
        self.lateral16 = ConvUnit(middle, fine, 1)
        self.down8 = CrossStage(middle, fine, shortcut=False)
        self.halve8 = separable(fine, fine, 3, 2)
        self.up16 = CrossStage(middle, middle, shortcut=False)
        self.halve16 = separable(middle, middle, 3, 2)
        self.up32 = CrossStage(coarse, coarse, shortcut=False)

    def forward(self, features: tuple[Any, Any, Any]) -> tuple[Any, Any, Any]:
        """Return three feature maps of the same shapes as the backbone's."""
        at8, at16, at32 = features
        top = self.lateral32(at32)
        middle = self.lateral16(self.down16(torch.cat([self.enlarge(top), at16], dim=1)))
        out8 = self.down8(torch.cat([self.enlarge(middle), at8], dim=1))
        out16 = self.up16(torch.cat([self.halve8(out8), middle], dim=1))
        return out8, out16, self.up32(torch.cat([self.halve16(out16), top], dim=1))


class LevelHead(nn.Module):
    """What one grid says: classes on one branch, box and objectness on the other."""

    def __init__(self, inputs: int, class_count: int) -> None:
        super().__init__()
        width = _STEM * 4
        self.stem = ConvUnit(inputs, width, 1)
        self.class_branch = nn.Sequential(separable(width, width, 3), separable(width, width, 3))
        self.box_branch = nn.Sequential(separable(width, width, 3), separable(width, width, 3))
        self.classes = nn.Conv2d(width, class_count, 1)
        self.box = nn.Conv2d(width, 4, 1)
        self.objectness = nn.Conv2d(width, 1, 1)

    def forward(self, x: Any) -> Any:
        """Return (B, 5 + classes, H, W): centre offset x, y in cells, log width, log height, objectness, classes."""
        x = self.stem(x)
        of_class = self.classes(self.class_branch(x))
        of_box = self.box_branch(x)
        return torch.cat([self.box(of_box), self.objectness(of_box), of_class], dim=1)


class CompactDetector(nn.Module):
    """The whole network. Pictures are (B, 3, H, W) BGR 0..255, sides a multiple of 32."""

    def __init__(self, class_count: int) -> None:
        super().__init__()
        self.class_count = class_count
        self.backbone = Backbone()
        self.neck = Neck()
        self.heads = nn.ModuleList(LevelHead(_STEM * 4 * 2**level, class_count) for level in range(len(STRIDES)))
        self.reset_predictions()

    def forward(self, x: Any) -> tuple[Any, Any, Any]:
        """Return one (B, 5 + classes, H / stride, W / stride) map of logits per grid."""
        at8, at16, at32 = self.neck(self.backbone(x))
        return self.heads[0](at8), self.heads[1](at16), self.heads[2](at32)

    def reset_predictions(self) -> None:
        """Start objectness and classes at a probability of 1 in 100, so that empty cells do not swamp the loss."""
        for head in self.heads:
            for layer in (head.classes, head.objectness):
                nn.init.constant_(layer.bias, -4.6)


def flat(maps: tuple[Any, ...]) -> Any:
    """Return (B, cells, 5 + classes) from the maps of all grids, fine grid first, rows before columns."""
    return torch.cat([level.flatten(2) for level in maps], dim=2).transpose(1, 2)


@dataclass(frozen=True, slots=True, eq=False)
class Cells:
    """Where the cells of all grids are, in the order of `flat`."""

    place: Any
    """(cells, 2) column and row in their grid."""
    stride: Any
    """(cells, 1) input pixels per cell."""


def cells_of(maps: tuple[Any, ...]) -> Cells:
    """Return the cells of the maps of all grids."""
    places, strides = [], []
    for level, stride in zip(maps, STRIDES, strict=True):
        height, width = level.shape[-2:]
        row, column = torch.meshgrid(torch.arange(height), torch.arange(width), indexing="ij")
        places.append(torch.stack([column, row], dim=-1).reshape(-1, 2).float())
        strides.append(torch.full((height * width, 1), float(stride)))
    device = maps[0].device
    return Cells(torch.cat(places).to(device), torch.cat(strides).to(device))


def decoded_boxes(raw: Any, cells: Cells) -> Any:
    """Return (..., cells, 4) xyxy boxes in input pixels from the first four raw values of every cell."""
    centre = (raw[..., 0:2] + cells.place) * cells.stride
    half = torch.exp(raw[..., 2:4].clamp(max=8.0)) * cells.stride / 2
    return torch.cat([centre - half, centre + half], dim=-1)
