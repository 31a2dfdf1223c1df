"""What every Python peer shares: the model on one thread, and the protocol's JSON to and from arrays."""
import numpy
import onnxruntime
import orjson


class Model:
    def __init__(self, file):
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = 1
        options.inter_op_num_threads = 1
        self.session = onnxruntime.InferenceSession(file, options, providers=["CPUExecutionProvider"])

    def run(self, rows):
        return self.session.run(["y"], {"x": rows})[0]


def rows_from(body):
    tensor = orjson.loads(body)["inputs"][0]
    return numpy.array(tensor["data"], dtype=numpy.float32).reshape(tensor["shape"])


def answer_from(rows):
    output = {"name": "y", "datatype": "FP32", "shape": rows.shape, "data": rows.ravel()}
    return orjson.dumps({"model_name": "m", "outputs": [output]}, option=orjson.OPT_SERIALIZE_NUMPY)
