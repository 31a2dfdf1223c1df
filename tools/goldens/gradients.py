"""Whole models with random weights, as PyTorch exports them, and the gradients PyTorch finds for them.

For each model NAME and exporter: NAME-EXPORTER.onnx (weights included) and NAME-EXPORTER.json (inputs, labels, the loss, the
names of the parameters), with the gradients by all parameters, float32, one after the other, in NAME-EXPORTER.bin. The models
are the architectures that people know with few channels. BatchNorm uses its stored statistics.
"""

import io
import json
import pathlib
import sys

sys.path.pop(0)  # its neighbours have names of the standard library

import numpy as np
import onnx
import torch
import torch.nn.functional as F
from torch import nn

TARGET = pathlib.Path(__file__).parents[2] / "test" / "goldens" / "gradients"
OPSET = 18
# With an operator for attention, which the older exporter does not know.
ATTENTION_OPSET = 23


class LeNet(nn.Module):
    """LeCun et al. 1998."""

    def __init__(self):
        super().__init__()
        self.conv1 = nn.Conv2d(1, 4, 5, padding=2)
        self.conv2 = nn.Conv2d(4, 8, 5)
        self.fc1 = nn.Linear(8 * 2 * 2, 20)
        self.fc2 = nn.Linear(20, 5)

    def forward(self, x):
        x = F.avg_pool2d(torch.tanh(self.conv1(x)), 2)
        x = F.max_pool2d(F.relu(self.conv2(x)), 2)
        return self.fc2(torch.sigmoid(self.fc1(x.flatten(1))))


class ResNet18(nn.Module):
    """torchvision's ResNet-18 with 4, 6, 8 and 10 channels."""

    def __init__(self):
        super().__init__()
        from torchvision.models.resnet import BasicBlock

        self.conv1 = nn.Conv2d(3, 4, 7, stride=2, padding=3, bias=False)
        self.bn1 = nn.BatchNorm2d(4)
        self.maxpool = nn.MaxPool2d(3, stride=2, padding=1)
        layers, before = [], 4
        for planes, stride in [(4, 1), (6, 2), (8, 2), (10, 2)]:
            down = None
            if stride != 1 or before != planes:
                down = nn.Sequential(nn.Conv2d(before, planes, 1, stride=stride, bias=False), nn.BatchNorm2d(planes))
            layers.append(nn.Sequential(BasicBlock(before, planes, stride, down), BasicBlock(planes, planes)))
            before = planes
        self.layers = nn.Sequential(*layers)
        self.fc = nn.Linear(before, 5)

    def forward(self, x):
        x = self.maxpool(F.relu(self.bn1(self.conv1(x))))
        x = self.layers(x)
        return self.fc(F.adaptive_avg_pool2d(x, 1).flatten(1))


def mobilenet():
    from torchvision.models.mobilenetv3 import InvertedResidualConfig, MobileNetV3

    def block(*arguments):
        return InvertedResidualConfig(*arguments, width_mult=1.0)

    # in, kernel, expanded, out, squeeze-excitation, activation, stride, dilation
    return MobileNetV3(
        [
            block(8, 3, 8, 8, True, "RE", 2, 1),
            block(8, 3, 16, 8, False, "RE", 1, 1),
            block(8, 5, 16, 8, True, "HS", 2, 1),
        ],
        last_channel=16,
        num_classes=5,
        dropout=0.0,
    )


def efficientnet():
    from torchvision.models.efficientnet import EfficientNet, MBConvConfig

    def block(*arguments):
        return MBConvConfig(*arguments, width_mult=1.0, depth_mult=1.0)

    return EfficientNet(
        [block(1, 3, 1, 8, 8, 1), block(2, 3, 2, 8, 8, 2), block(2, 5, 2, 8, 16, 1)],
        dropout=0.0,
        stochastic_depth_prob=0.0,
        num_classes=5,
    )


def vit():
    from torchvision.models.vision_transformer import VisionTransformer

    return VisionTransformer(image_size=16, patch_size=4, num_layers=2, num_heads=2, hidden_dim=16, mlp_dim=24, num_classes=5)


class Bert(nn.Module):
    def __init__(self):
        super().__init__()
        from transformers import BertConfig, BertModel

        config = BertConfig(
            vocab_size=30, hidden_size=16, num_hidden_layers=2, num_attention_heads=2, intermediate_size=24,
            max_position_embeddings=16, attn_implementation="eager",
        )
        self.bert = BertModel(config)
        self.head = nn.Linear(16, 5)

    def forward(self, ids, mask):
        return self.head(self.bert(input_ids=ids, attention_mask=mask).pooler_output)


class Gpt(nn.Module):
    def __init__(self):
        super().__init__()
        from transformers import GPT2Config, GPT2LMHeadModel

        config = GPT2Config(
            vocab_size=24, n_positions=16, n_embd=16, n_layer=2, n_head=2, attn_implementation="eager", use_cache=False,
            tie_word_embeddings=False,
        )
        self.gpt = GPT2LMHeadModel(config)

    def forward(self, ids):
        return self.gpt(input_ids=ids, use_cache=False).logits


class UNet(nn.Module):
    """Ronneberger et al. 2015, two levels; one way up by a transposed convolution, the other by bilinear interpolation."""

    def __init__(self):
        super().__init__()
        self.down1 = nn.Conv2d(2, 4, 3, padding=1)
        self.down2 = nn.Conv2d(4, 6, 3, padding=1)
        self.bottom = nn.Conv2d(6, 8, 3, padding=1)
        self.up2 = nn.ConvTranspose2d(8, 6, 2, stride=2)
        self.join2 = nn.Conv2d(12, 6, 3, padding=1)
        self.join1 = nn.Conv2d(10, 4, 3, padding=1)
        self.norm = nn.GroupNorm(2, 4)
        self.out = nn.Conv2d(4, 3, 1)

    def forward(self, x):
        a = F.relu(self.down1(x))
        b = F.leaky_relu(self.down2(F.max_pool2d(a, 2)))
        c = F.gelu(self.bottom(F.max_pool2d(b, 2)))
        b = F.silu(self.join2(torch.cat([b, self.up2(c)], 1)))
        up = F.interpolate(b, scale_factor=2, mode="bilinear", align_corners=False)
        return self.out(self.norm(self.join1(torch.cat([a, up], 1))))


class Lstm(nn.Module):
    def __init__(self):
        super().__init__()
        self.embedding = nn.Embedding(20, 6)
        self.lstm = nn.LSTM(6, 8, batch_first=True)
        self.head = nn.Linear(8, 5)

    def forward(self, ids):
        y, _ = self.lstm(self.embedding(ids))
        return self.head(y[:, -1])


def images(channels, size, batch=2):
    return lambda: (torch.randn(batch, channels, size, size),)


def ids(vocabulary, length=7, batch=2):
    return lambda: (torch.randint(vocabulary, (batch, length)),)


def ids_and_mask():
    mask = torch.ones(2, 7, dtype=torch.int64)
    mask[1, 5:] = 0
    return (torch.randint(1, 30, (2, 7)), mask)  # id 0 is padding, whose embedding PyTorch does not train


# name: model, inputs, their names, the axis of the classes
class Decoder(nn.Module):
    """A layer as of Llama (Touvron et al., arXiv 2302.13971), with attention as one operator."""

    def __init__(self):
        super().__init__()
        self.embed = nn.Embedding(20, 16)
        self.norm1, self.norm2 = nn.RMSNorm(16, eps=1e-6), nn.RMSNorm(16, eps=1e-6)
        self.query, self.key, self.value = nn.Linear(16, 16, bias=False), nn.Linear(16, 16, bias=False), nn.Linear(16, 16)
        self.out = nn.Linear(16, 16)
        self.gate, self.up, self.down = nn.Linear(16, 24), nn.Linear(16, 24), nn.Linear(24, 16)
        self.head = nn.Linear(16, 20)

    def forward(self, ids):
        x = self.embed(ids)
        y = self.norm1(x)
        q, k, v = (one(y).unflatten(-1, (4, 4)).transpose(1, 2) for one in (self.query, self.key, self.value))
        y = F.scaled_dot_product_attention(q, k, v, is_causal=True).transpose(1, 2).flatten(2)
        x = x + self.out(y)
        y = self.norm2(x)
        x = x + self.down(F.silu(self.gate(y)) * self.up(y))
        return self.head(x)


MODELS = {
    "lenet": (LeNet, images(1, 16), ["x"], 1),
    "resnet-18": (ResNet18, images(3, 32), ["x"], 1),
    "mobilenet-v3": (mobilenet, images(3, 24), ["x"], 1),
    "efficientnet": (efficientnet, images(3, 24), ["x"], 1),
    "vit": (vit, images(3, 16), ["x"], 1),
    "bert": (Bert, ids_and_mask, ["ids", "mask"], 1),
    "gpt": (Gpt, ids(24), ["ids"], 2),
    "unet": (UNet, images(2, 12), ["x"], 1),
    "lstm": (Lstm, ids(20), ["ids"], 1),
    "decoder": (Decoder, ids(20), ["ids"], 2),
}


def make(name, exporter):
    build, inputs, names, axis = MODELS[name]
    torch.manual_seed(list(MODELS).index(name) + 1)
    model = build().eval()
    with torch.no_grad():
        for key, value in [*model.named_parameters(), *model.named_buffers()]:
            if not value.is_floating_point():
                continue
            if key.endswith("running_var"):
                value.uniform_(0.5, 1.5)
            elif key.endswith("running_mean") or value.dim() < 2:
                value.add_(torch.randn_like(value) * 0.2)
            elif value.dim() >= 2 and "embed" not in key and "wte" not in key and "wpe" not in key:
                value.copy_(torch.randn_like(value) * (1.4 / max(value[0].numel(), 1)) ** 0.5)
    arguments = inputs()
    logits = model(*arguments)
    labels = torch.randint(logits.shape[axis], [n for at, n in enumerate(logits.shape) if at != axis])
    loss = F.cross_entropy(logits.movedim(axis, 1), labels)
    loss.backward()
    buffer = io.BytesIO()
    if exporter == "dynamo":
        program = torch.onnx.export(model, arguments, dynamo=True, opset_version=ATTENTION_OPSET if name == "decoder" else OPSET, input_names=names, output_names=["y"], optimize=False, verbose=False)
        proto = program.model_proto
    else:
        torch.onnx.export(
            model, arguments, buffer, dynamo=False, opset_version=OPSET, input_names=names, output_names=["y"],
            do_constant_folding=False, training=torch.onnx.TrainingMode.PRESERVE,
            dynamic_axes={one: {0: "N"} for one in [*names, "y"]},
        )
        proto = onnx.load_from_string(buffer.getvalue())
    strip(proto)
    stored = {one.name for one in proto.graph.initializer}
    parameters = {key: value for key, value in model.named_parameters() if value.grad is not None}
    missing = [key for key in parameters if key not in stored]
    TARGET.mkdir(parents=True, exist_ok=True)
    stem = TARGET / f"{name}-{exporter}"
    onnx.save(proto, f"{stem}.onnx")
    kept = [key for key in parameters if key in stored]
    np.concatenate([parameters[key].grad.numpy().ravel() for key in kept]).astype("<f4").tofile(f"{stem}.bin")
    facts = {
        "torch": torch.__version__,
        "axis": axis,
        "inputs": {one: {"shape": list(value.shape), "dtype": str(value.dtype).removeprefix("torch."), "values": rounded(value)} for one, value in zip(names, arguments)},
        "labels": {"shape": list(labels.shape), "values": labels.ravel().tolist()},
        "loss": loss.item(),
        "parameters": [{"name": key, "shape": list(parameters[key].shape)} for key in kept],
        # Parameters an exporter stores under no name of theirs.
        "unnamed": missing,
    }
    pathlib.Path(f"{stem}.json").write_text(json.dumps(facts) + "\n")
    print(name, exporter, f"{sum(p.numel() for p in parameters.values())} parameters,", len(proto.graph.node), "nodes", "unnamed:", missing)


def rounded(value):
    return [float(np.float32(one)) for one in value.ravel().tolist()] if value.is_floating_point() else value.ravel().tolist()


def strip(proto):
    """Takes out what only tells where things came from, paths of files among it."""
    for node in proto.graph.node:
        node.doc_string = ""
        del node.metadata_props[:]
    for value in [*proto.graph.value_info, *proto.graph.input, *proto.graph.output]:
        del value.metadata_props[:]
    del proto.graph.metadata_props[:]
    del proto.metadata_props[:]
    for function in proto.functions:
        for node in function.node:
            node.doc_string = ""
            del node.metadata_props[:]


if __name__ == "__main__":
    wanted = sys.argv[1:] or list(MODELS)
    for one in wanted:
        for exporter in ["dynamo"] if one == "decoder" else ["legacy", "dynamo"]:
            try:
                make(one, exporter)
            except Exception as error:  # noqa: BLE001
                print(one, exporter, "FAILED", type(error).__name__, str(error)[:400])
