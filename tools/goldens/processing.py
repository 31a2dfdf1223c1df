"""Golden numbers for core/src/processing, from implementations that have nothing to do with it: Pillow, OpenCV, PyTorch,
SciPy. Images are filled as `inputs.filled` describes, uint8 [height, width, channels]."""

import cv2
import numpy as np
import scipy.ndimage
import scipy.special
import torch
from PIL import Image

from inputs import filled, listed, numbers

SIZES = [(7, 5, 1, 13, 9), (13, 9, 1, 7, 5), (16, 24, 1, 4, 6), (31, 17, 3, 8, 8), (5, 64, 1, 12, 3), (1, 1, 1, 3, 2), (2, 9, 3, 2, 4)]


def planes(image: np.ndarray, change) -> np.ndarray:
    """Applies a change to each channel by itself."""
    return np.stack([change(np.ascontiguousarray(image[:, :, c])) for c in range(image.shape[2])], axis=2)


def pillow(plane: np.ndarray, height: int, width: int, resample, box=None) -> np.ndarray:
    """Pillow in its 32-bit float mode, which does not round to whole pixel values."""
    return np.asarray(Image.fromarray(plane.astype(np.float32)).resize((width, height), resample, box))


def torch_bilinear(plane: np.ndarray, height: int, width: int) -> np.ndarray:
    tensor = torch.from_numpy(plane.astype(np.float64))[None, None]
    resized = torch.nn.functional.interpolate(tensor, (height, width), mode="bilinear", align_corners=False, antialias=False)
    return resized[0, 0].numpy().astype(np.float32)


def resizes() -> list[dict]:
    cases = []
    for seed, (height, width, channels, to_height, to_width) in enumerate(SIZES, 1):
        image, pixels = filled("image", "uint8", [height, width, channels], seed, 0, 256)
        size = {"height": to_height, "width": to_width}

        def add(step: dict, source: str, change) -> None:
            result = planes(pixels, change)
            cases.append({"source": source, "image": image, "step": {"step": "resize", **size, **step}, "values": numbers(result.ravel())})

        add({"filter": "bilinear", "antialias": False}, "torch.nn.functional.interpolate, align_corners=False",
            lambda p: torch_bilinear(p, to_height, to_width))
        add({"filter": "bilinear", "antialias": True}, "Pillow BILINEAR, mode F",
            lambda p: pillow(p, to_height, to_width, Image.Resampling.BILINEAR))
        add({"filter": "nearest"}, "Pillow NEAREST", lambda p: pillow(p, to_height, to_width, Image.Resampling.NEAREST))
        if to_height <= height and to_width <= width:
            add({"filter": "area"}, "cv2.INTER_AREA, float32",
                lambda p: cv2.resize(p.astype(np.float32), (to_width, to_height), interpolation=cv2.INTER_AREA))
        scale = min(height / to_height, width / to_width)
        part_height, part_width = to_height * scale, to_width * scale
        top, left = (height - part_height) / 2, (width - part_width) / 2
        # Pillow may read beyond the part it is given, as resizing the whole image and cutting it would.
        add({"filter": "bilinear", "antialias": True, "fit": "cover"}, "Pillow BILINEAR with box, mode F",
            lambda p: pillow(p, to_height, to_width, Image.Resampling.BILINEAR, (left, top, left + part_width, top + part_height)))
    return cases


def greys() -> list[dict]:
    image, pixels = filled("image", "uint8", [6, 7, 3], 40, 0, 256)
    grey = np.asarray(Image.fromarray(pixels).convert("L"))
    return [{"source": 'Pillow convert("L")', "image": image, "values": numbers(grey.ravel())}]


def softmaxes() -> list[dict]:
    cases = []
    for seed, (shape, axis, high) in enumerate([([3, 10], -1, 12), ([2, 4, 5], 1, 3), ([1, 2], 1, 900)], 60):
        logits, array = filled("logits", "float32", shape, seed, -high, high)
        result = scipy.special.softmax(array.astype(np.float64), axis=axis)
        cases.append({"source": "scipy.special.softmax in float64", "logits": logits, "axis": axis, "values": numbers(result.ravel())})
    return cases


def fitted_contents() -> list[dict]:
    """MNIST's recipe with Pillow and SciPy: box of the content, longer side to 20, centre of mass to the middle of 28 x 28."""
    cases = []
    for seed, (height, width, top, left, tall, wide) in enumerate([(60, 50, 5, 8, 40, 22), (100, 140, 60, 20, 12, 90), (28, 28, 4, 6, 20, 14), (9, 9, 8, 0, 1, 1)], 80):
        stroke, values = filled("content", "uint8", [tall, wide], seed, 33, 256)
        pixels = np.zeros((height, width), np.uint8)
        pixels[top : top + tall, left : left + wide] = values
        scale = 20 / max(tall, wide)
        inner = max(1, round(tall * scale)), max(1, round(wide * scale))
        content = pillow(values, *inner, Image.Resampling.BILINEAR)
        mass = np.array(scipy.ndimage.center_of_mass(content)) + 0.5
        place = [min(max(int(np.floor(14 - m + 0.5)), 0), 28 - n) for m, n in zip(mass, inner)]
        canvas = np.zeros((28, 28), np.float32)
        canvas[place[0] : place[0] + inner[0], place[1] : place[1] + inner[1]] = content
        cases.append({"source": "Pillow BILINEAR, mode F; scipy.ndimage.center_of_mass", "content": stroke,
                      "canvas": {"height": height, "width": width, "top": top, "left": left}, "values": numbers(canvas.ravel())})
    return cases


def make() -> dict:
    return {"resize": resizes(), "grey": greys(), "softmax": softmaxes(), "fitContent": fitted_contents()}
