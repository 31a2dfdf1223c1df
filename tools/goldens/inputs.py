"""Inputs that Python and TypeScript make alike: a linear congruential generator and its use as tensors.

state' = (1664525 state + 1013904223) mod 2^32, the constants of Knuth and Lewis in "Numerical Recipes"; a draw is the
state's upper 24 bits over 2^24, which both languages hold exactly. `test/goldens/inputs.ts` is the other half.
"""

import base64
import zlib

import numpy as np


def draws(seed: int, count: int) -> np.ndarray:
    """`count` numbers from 0 up to 1."""
    state, result = seed, np.empty(count)
    for index in range(count):
        state = (1664525 * state + 1013904223) % 2**32
        result[index] = (state >> 8) / 2**24
    return result


def filled(name: str, dtype: str, shape: list[int], seed: int, low: float, high: float) -> tuple[dict, np.ndarray]:
    """Numbers from low up to high; whole ones below high for integer datatypes. Their description, and the array."""
    values = low + (high - low) * draws(seed, int(np.prod(shape, dtype=int)))
    array = (np.floor(values) if np.issubdtype(np.dtype(dtype), np.integer) else values).astype(dtype).reshape(shape)
    fill = {"seed": seed, "low": low, "high": high}
    return {"name": name, "dtype": dtype, "shape": list(shape), "fill": fill}, array


def listed(name: str, dtype: str, array: np.ndarray) -> tuple[dict, np.ndarray]:
    """Values written out."""
    return {"name": name, "dtype": dtype, "shape": list(array.shape), "values": numbers(array.ravel())}, array


def pictured(name: str, images: np.ndarray) -> tuple[dict, np.ndarray]:
    """Grey images, uint8 [N, height, width], as float32 [N, 3, height, width] of pixel / 127.5 - 1."""
    array = (images.astype(np.float64) / 127.5 - 1).astype(np.float32)
    array = np.repeat(array[:, None], 3, axis=1)
    pixels = base64.b64encode(zlib.compress(images.tobytes(), 9)).decode()
    return {"name": name, "dtype": "float32", "shape": list(array.shape), "pixels": pixels}, array


def numbers(values: np.ndarray) -> list:
    """Values as JSON holds them: each with the fewest digits that give the same number in its own datatype."""
    return [float(str(value)) if isinstance(value, np.floating) else value.item() if isinstance(value, np.generic) else value for value in values]
