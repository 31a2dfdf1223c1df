"""Small models as other tools export them: a Transformer encoder from PyTorch, scikit-learn pipelines through skl2onnx,
and control flow in ONNX's own text form. Weights are random but seeded; the models are kept in test/goldens/models."""

import pathlib

import numpy as np
import onnx
import onnx.parser
import torch
from torch import nn


class Encoder(nn.Module):
    """Two layers of self-attention over 32 features: int64 [batch, sequence] to float32 [batch, sequence, 32] and [batch, 3]."""

    def __init__(self) -> None:
        super().__init__()
        self.words = nn.Embedding(100, 32)
        self.places = nn.Embedding(64, 32)
        self.attention = nn.ModuleList(nn.Linear(32, 96) for _ in range(2))
        self.output = nn.ModuleList(nn.Linear(32, 32) for _ in range(2))
        self.wide = nn.ModuleList(nn.Linear(32, 64) for _ in range(2))
        self.narrow = nn.ModuleList(nn.Linear(64, 32) for _ in range(2))
        self.norms = nn.ModuleList(nn.LayerNorm(32) for _ in range(4))
        self.classify = nn.Linear(32, 3)

    def forward(self, input_ids: torch.Tensor, attention_mask: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        batch, sequence = input_ids.shape
        hidden = self.words(input_ids) + self.places(torch.arange(sequence))
        keep = attention_mask.to(torch.float32)
        bias = (1 - keep)[:, None, None, :] * -10000.0
        for layer in range(2):
            heads = self.attention[layer](hidden).view(batch, sequence, 3, 4, 8).permute(2, 0, 3, 1, 4)
            query, key, value = heads[0], heads[1], heads[2]
            weights = torch.softmax(query @ key.transpose(-1, -2) / 8**0.5 + bias, dim=-1)
            mixed = (weights @ value).transpose(1, 2).reshape(batch, sequence, 32)
            hidden = self.norms[2 * layer](hidden + self.output[layer](mixed))
            hidden = self.norms[2 * layer + 1](hidden + self.narrow[layer](nn.functional.gelu(self.wide[layer](hidden))))
        pooled = (hidden * keep[:, :, None]).sum(1) / keep.sum(1, keepdim=True)
        return hidden, self.classify(pooled)


def encoder(path: pathlib.Path) -> None:
    torch.manual_seed(7)
    network = Encoder().eval()
    ids, mask = torch.ones(2, 5, dtype=torch.int64), torch.ones(2, 5, dtype=torch.int64)
    batch, sequence = torch.export.Dim("batch"), torch.export.Dim("sequence", max=64)
    torch.onnx.export(
        network, (ids, mask), str(path), dynamo=True, opset_version=18, external_data=False,
        input_names=["input_ids", "attention_mask"], output_names=["last_hidden_state", "logits"],
        dynamic_shapes={"input_ids": {0: batch, 1: sequence}, "attention_mask": {0: batch, 1: sequence}},
    )  # fmt: skip
    model = onnx.load(path)
    strip(model)
    onnx.save(model, path)


def strip(model: onnx.ModelProto) -> None:
    """Takes out what exporters note about the machine and the source: it has no place in a repository."""
    del model.metadata_props[:]
    for node in model.graph.node:
        del node.metadata_props[:]
        node.doc_string = ""
    for value in [*model.graph.value_info, *model.graph.input, *model.graph.output, *model.graph.initializer]:
        del value.metadata_props[:]
    for function in model.functions:
        del function.metadata_props[:]
        for node in function.node:
            del node.metadata_props[:]
    model.doc_string = ""


def save_in_order(model: onnx.ModelProto, path: pathlib.Path) -> None:
    """skl2onnx lists operator sets in the order of a hash that differs from run to run."""
    opsets = sorted(model.opset_import, key=lambda opset: opset.domain)
    del model.opset_import[:]
    model.opset_import.extend(opsets)
    onnx.save(model, path)


CITIES, PRODUCTS = ["Berlin", "Lisbon", "Zürich"], ["book", "lamp", "chair", "tea"]


def table(path: pathlib.Path) -> None:
    """Two columns of strings and one of numbers, one-hot encoded and scaled; class numbers and a matrix of probabilities."""
    import pandas
    from skl2onnx import to_onnx
    from skl2onnx.common.data_types import FloatTensorType, StringTensorType
    from sklearn.compose import ColumnTransformer
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import Pipeline
    from sklearn.preprocessing import OneHotEncoder, StandardScaler

    random = np.random.default_rng(11)
    rows = pandas.DataFrame({
        "city": random.choice(CITIES, 300), "product": random.choice(PRODUCTS, 300),
        "amount": random.gamma(2, 10, 300).astype(np.float32),
    })  # fmt: skip
    classes = (rows["city"] == "Lisbon").astype(int) + (rows["amount"] > 20).astype(int)
    columns = ColumnTransformer([
        ("words", OneHotEncoder(handle_unknown="ignore"), ["city", "product"]), ("numbers", StandardScaler(), ["amount"]),
    ])  # fmt: skip
    pipeline = Pipeline([("columns", columns), ("classify", LogisticRegression(max_iter=1000))]).fit(rows, classes)
    types = [("city", StringTensorType([None, 1])), ("product", StringTensorType([None, 1])), ("amount", FloatTensorType([None, 1]))]
    model = to_onnx(pipeline, initial_types=types, name="table", options={"zipmap": False}, target_opset={"": 18, "ai.onnx.ml": 3})
    save_in_order(model, path)


SENTENCES = [
    "win a free prize now", "free money claim your prize", "cheap offer click now", "you have won money",
    "meeting at ten tomorrow", "please read the report", "lunch at noon today", "the report is attached",
]  # fmt: skip


def sentences(path: pathlib.Path, zipmap: bool) -> None:
    """Strings through TF-IDF to class names, with probabilities as a matrix or as a sequence of maps."""
    from skl2onnx import to_onnx
    from skl2onnx.common.data_types import StringTensorType
    from sklearn.feature_extraction.text import TfidfVectorizer
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import Pipeline

    # ONNX Runtime changes case only where the locale en_US.UTF-8 is installed, which can not be asked of every machine.
    words = TfidfVectorizer(token_pattern="[a-zA-Z]+", lowercase=False)
    pipeline = Pipeline([("words", words), ("classify", LogisticRegression())])
    pipeline.fit(SENTENCES, ["spam"] * 4 + ["ham"] * 4)
    options = {LogisticRegression: {"zipmap": zipmap}}
    types = [("sentence", StringTensorType([None, 1]))]
    model = to_onnx(pipeline, initial_types=types, name="sentences", options=options, target_opset={"": 18, "ai.onnx.ml": 3})
    save_in_order(model, path)


CONTROL_FLOW = {
    # Either branch reads x from around it.
    "if": """
        <ir_version: 8, opset_import: ["": 17]>
        branches (float[N, 3] x, float threshold) => (float[N, 3] y) {
            mean = ReduceMean<keepdims = 0>(x)
            is_high = Greater(mean, threshold)
            y = If(is_high) <
                then_branch = high () => (float[N, 3] a) { a = Exp(x) },
                else_branch = low () => (float[N, 3] b) { doubled = Add(x, x) b = Neg(doubled) }
            >
        }""",
    # Newton's square root until a step is small, or `most` steps: how often it runs depends on the data.
    "loop": """
        <ir_version: 8, opset_import: ["": 17]>
        newton (float[N] x, int64 most) => (float[N] root, float[K, N] steps) {
            go = Constant<value = bool {1}>()
            half = Constant<value = float {0.5}>()
            small = Constant<value = float {0.00001}>()
            root, steps = Loop(most, go, x) <
                body = step (int64 i, bool go_in, float[N] guess) => (bool go_on, float[N] better, float[N] seen) {
                    quotient = Div(x, guess)
                    sum = Add(guess, quotient)
                    better = Mul(sum, half)
                    change = Sub(better, guess)
                    size = Abs(change)
                    largest = ReduceMax<keepdims = 0>(size)
                    go_on = Greater(largest, small)
                    seen = Identity(better)
                }
            >
        }""",
    # A leaky running sum along the first axis, forwards.
    "scan": """
        <ir_version: 8, opset_import: ["": 17]>
        running (float[D] start, float[T, D] x) => (float[D] last, float[T, D] sums) {
            last, sums = Scan<
                num_scan_inputs = 1,
                body = add (float[D] so_far, float[D] row) => (float[D] sum_out, float[D] sum_seen) {
                    keep = Constant<value = float {0.9}>()
                    kept = Mul(so_far, keep)
                    sum_out = Add(kept, row)
                    sum_seen = Identity(sum_out)
                }
            >(start, x)
        }""",
}


def control_flow(folder: pathlib.Path) -> None:
    for name, text in CONTROL_FLOW.items():
        model = onnx.parser.parse_model(text)
        onnx.checker.check_model(model, full_check=True)
        onnx.save(model, folder / f"{name}.onnx")


def make(folder: pathlib.Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    encoder(folder / "encoder.onnx")
    table(folder / "table.onnx")
    sentences(folder / "sentences.onnx", zipmap=False)
    sentences(folder / "sentences-zipmap.onnx", zipmap=True)
    control_flow(folder)
