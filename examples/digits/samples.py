"""Makes the sample images: one held-out digit as a PNG, ten digits drawn as with a mouse, and one as a request.

The drawn ones are strokes of round pen on a black canvas of 280 x 280, as the console sends them, each somewhere else and
of another size and pen: nothing the model was trained on.

    python samples.py
"""

import gzip
import json
import pathlib

import numpy as np
from PIL import Image, ImageDraw

HERE = pathlib.Path(__file__).parent
SIDE, FINER = 280, 4

# Points along each stroke, in a box of 1 by 1; curves go smoothly through them.
STROKES = {
    0: [[(0.5, 0), (0.15, 0.2), (0.05, 0.6), (0.3, 0.97), (0.7, 0.95), (0.95, 0.6), (0.85, 0.2), (0.5, 0.02), (0.42, 0.06)]],
    1: [[(0.3, 0.2), (0.5, 0), (0.5, 0)], [(0.5, 0), (0.5, 0.5), (0.47, 1)]],
    2: [[(0.1, 0.25), (0.3, 0.02), (0.7, 0.03), (0.85, 0.3), (0.6, 0.6), (0.1, 0.98), (0.1, 0.98)], [(0.1, 0.98), (0.5, 0.95), (0.95, 0.97)]],
    3: [[(0.12, 0.1), (0.5, 0), (0.85, 0.2), (0.65, 0.42), (0.4, 0.47)], [(0.4, 0.47), (0.75, 0.52), (0.9, 0.75), (0.6, 0.99), (0.1, 0.9)]],
    4: [[(0.35, 0), (0.2, 0.3), (0.05, 0.6), (0.05, 0.6)], [(0.05, 0.6), (0.5, 0.61), (0.95, 0.58)], [(0.7, 0.25), (0.68, 0.6), (0.66, 1)]],
    5: [[(0.85, 0.02), (0.5, 0.03), (0.2, 0.02)], [(0.2, 0.02), (0.17, 0.25), (0.15, 0.45)], [(0.15, 0.45), (0.5, 0.38), (0.85, 0.6), (0.7, 0.93), (0.3, 1), (0.08, 0.88)]],
    6: [[(0.7, 0), (0.35, 0.25), (0.12, 0.65), (0.3, 0.97), (0.7, 0.95), (0.85, 0.7), (0.6, 0.52), (0.3, 0.6), (0.15, 0.75)]],
    7: [[(0.05, 0.05), (0.5, 0.03), (0.95, 0.05)], [(0.95, 0.05), (0.65, 0.5), (0.4, 1)]],
    8: [[(0.8, 0.15), (0.5, 0), (0.2, 0.18), (0.45, 0.45), (0.8, 0.7), (0.55, 0.99), (0.2, 0.8), (0.4, 0.5), (0.78, 0.25), (0.8, 0.13)]],
    9: [[(0.85, 0.2), (0.5, 0), (0.15, 0.2), (0.3, 0.47), (0.65, 0.45), (0.85, 0.2)], [(0.85, 0.2), (0.82, 0.6), (0.7, 1)]],
}  # fmt: skip
# Left, top, width, height and pen of each, in pixels of the canvas.
PLACES = [
    (90, 60, 100, 150, 16), (60, 40, 130, 190, 20), (30, 90, 120, 160, 14), (120, 30, 110, 170, 22), (70, 80, 140, 150, 12),
    (40, 40, 180, 200, 26), (150, 120, 80, 120, 12), (80, 60, 120, 160, 18), (100, 50, 110, 190, 20), (20, 20, 90, 140, 14),
]  # fmt: skip


def smooth(points: list[tuple[float, float]], steps: int = 24) -> np.ndarray:
    """A uniform Catmull-Rom curve through all points."""
    p = np.array([points[0], *points, points[-1]], float)
    t = np.linspace(0, 1, steps, endpoint=False)[:, None]
    parts = [
        0.5 * (2 * b + (c - a) * t + (2 * a - 5 * b + 4 * c - d) * t**2 + (3 * b - a - 3 * c + d) * t**3)
        for a, b, c, d in zip(p, p[1:], p[2:], p[3:])
    ]
    return np.concatenate([*parts, p[-1:]])


def drawn(digit: int) -> Image.Image:
    left, top, width, height, pen = PLACES[digit]
    image = Image.new("L", (SIDE * FINER, SIDE * FINER), 0)
    draw = ImageDraw.Draw(image)
    radius = pen * FINER / 2
    for stroke in STROKES[digit]:
        for x, y in (smooth(stroke) * (width, height) + (left, top)) * FINER:
            draw.ellipse((x - radius, y - radius, x + radius, y + radius), 255)
        draw.line([tuple(point) for point in (smooth(stroke) * (width, height) + (left, top)) * FINER], 255, round(2 * radius))
    return image.resize((SIDE, SIDE), Image.Resampling.BOX)


def main() -> None:
    (HERE / "drawn").mkdir(exist_ok=True)
    for digit in STROKES:
        drawn(digit).save(HERE / "drawn" / f"{digit}.png", optimize=True)

    images = np.frombuffer(gzip.decompress((HERE / "held-out-images.idx3-ubyte.gz").read_bytes())[16:], np.uint8)
    labels = np.frombuffer(gzip.decompress((HERE / "held-out-labels.idx1-ubyte.gz").read_bytes())[8:], np.uint8)
    seven = images.reshape(-1, 28, 28)[np.argmax(labels == 7)]
    Image.fromarray(seven).save(HERE / "seven.png", optimize=True)
    data = [round(float(pixel) / 255, 4) for pixel in seven.ravel()]
    request = {"inputs": [{"name": "image", "datatype": "FP32", "shape": [1, 1, 28, 28], "data": data}]}
    text = json.dumps(request, separators=(",", ":")).replace("0.0,", "0,").replace("0.0]", "0]").replace("1.0,", "1,")
    (HERE / "seven.json").write_text(text + "\n")


if __name__ == "__main__":
    main()
