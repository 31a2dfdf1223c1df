"""Makes test/goldens/dtypes.onnx and test/goldens/dtypes.json: a tensor of every element type up to IR 13, once
in raw bytes and once in the typed field, written by the reference encoder, and the bytes each must decode to.

    python tools/goldens/dtypes.py        (onnx 1.21 or later, ml_dtypes)
"""

import json
import pathlib

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

GOLDENS = pathlib.Path(__file__).parents[2] / "test" / "goldens"
SHAPE = [1, 5]

# Values every type of its kind can hold exactly; float8 and narrower round them, which the expected bytes then show.
VALUES = {
    "STRING": ["", "a", "größer", "数字", "⚓"],
    "BOOL": [True, False, True, True, False],
    "COMPLEX64": [1 + 2j, -0.5j, 3, -1, 0],
    "COMPLEX128": [1 + 2j, -0.5j, 3, -1, 0],
}
SIGNED = [1, -2, 3, -4, 0]
WIDE = {"INT8": -128, "INT16": -(2**15), "INT32": -(2**31), "INT64": -(2**63)}
UNSIGNED_WIDE = {"UINT8": 255, "UINT16": 2**16 - 1, "UINT32": 2**32 - 1, "UINT64": 2**64 - 1}


def values_of(name: str) -> list:
    if name in VALUES:
        return VALUES[name]
    if name in WIDE:
        return [*SIGNED[:4], WIDE[name]]
    if name in UNSIGNED_WIDE:
        return [1, 2, 3, 0, UNSIGNED_WIDE[name]]
    if name == "INT2":
        return [1, -2, 0, -1, 1]
    if name == "UINT2":
        return [1, 2, 3, 0, 1]
    if name == "UINT4":
        return [1, 2, 15, 0, 8]
    if name == "INT4":
        return [1, -2, 7, -8, 0]
    if name == "FLOAT8E8M0":
        return [1.0, 2.0, 0.5, 4.0, 8.0]
    return [1.0, -2.0, 0.5, -1.5, 0.0]


initializers, expected = [], {}
for number, name in sorted((number, name) for name, number in TensorProto.DataType.items() if number > 0):
    if number > 26:
        continue
    # A list of Python integers would become floats, and lose the last digits of 64-bit ones.
    array = np.array(values_of(name), dtype=np.uint64 if name == "UINT64" else None)
    if name != "STRING":
        array = array.astype(helper.tensor_dtype_to_np_dtype(number)) if name != "BOOL" else array
    array = array.reshape(SHAPE)
    typed = helper.make_tensor(f"{name}_typed", number, SHAPE, array.ravel().tolist() if name == "STRING" else array.ravel())
    assert not typed.HasField("raw_data"), name
    initializers.append(typed)
    if name == "STRING":
        expected[typed.name] = VALUES[name]
        continue
    raw = numpy_helper.from_array(array, f"{name}_raw")
    assert raw.data_type == number and raw.HasField("raw_data"), name
    initializers.append(raw)
    expected[typed.name] = expected[raw.name] = raw.raw_data.hex()

value = helper.make_tensor_value_info("x", TensorProto.FLOAT, ["N"])
node = helper.make_node("Identity", ["x"], ["y"])
graph = helper.make_graph([node], "dtypes", [value], [helper.make_tensor_value_info("y", TensorProto.FLOAT, ["N"])], initializers)
model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 25)], ir_version=13, producer_name="goldens")
onnx.checker.check_model(model)
(GOLDENS / "dtypes.onnx").write_bytes(model.SerializeToString())
(GOLDENS / "dtypes.json").write_text(json.dumps(expected, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
print(f"{len(initializers)} tensors")
