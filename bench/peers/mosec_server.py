"""mosec: a Rust front that batches, a Python worker that runs.
   mosec_server.py MODEL.onnx --port PORT"""
import os
import sys

import numpy
from mosec import Server, Worker

from model import Model, answer_from, rows_from

# mosec starts its worker anew with this file and keeps its flags, so the model's path travels in the environment.
FILE = os.environ.setdefault("PEER_MODEL", sys.argv[1])
if len(sys.argv) > 1 and sys.argv[1] == FILE:
    del sys.argv[1]


class Infer(Worker):
    def __init__(self):
        super().__init__()
        self.model = Model(FILE)

    def deserialize(self, data):
        return rows_from(data)

    def forward(self, data):
        rows = self.model.run(numpy.concatenate(data))
        return [rows[index : index + 1] for index in range(len(data))]

    def serialize(self, data):
        return answer_from(data)


if __name__ == "__main__":
    server = Server()
    # The default window of 10 ms: shorter ones batch less and answer fewer requests a second.
    server.append_worker(Infer, num=1, max_batch_size=32, max_wait_time=10)
    server.run()
