"""What PyTorch, torchvision and transformers make of the networks that core/src/build defines, with the same weights; and the
distributions that torch.nn.init and the layers' own constructors draw first weights from. Weights come from seeds, as inputs do, so
only outputs are kept."""

import json
import math
import pathlib
import sys
from unittest import mock

import numpy as np
from inputs import filled, listed, numbers

sys.path.pop(0)  # its neighbours have names of the standard library

import torch
import torchvision
import transformers
from torch import nn
from torchvision.models.resnet import BasicBlock, ResNet

TARGET = pathlib.Path(__file__).parents[2] / "test" / "goldens" / "networks.json"


class Case:
    """A network with its weights by the names that Slipway gives them, and in Slipway's layout."""

    def __init__(self, name: str, module: nn.Module):
        self.name, self.module, self.parameters, self.tensors = name, module.eval(), [], []

    def put(self, name: str, tensor: torch.Tensor, transposed: bool = False):
        shape = list(tensor.shape)[::-1] if transposed else list(tensor.shape)
        low, high = -0.4, 0.4
        if name.endswith((".scale", ".variance")):
            low, high = 0.5, 1.5
        elif name.endswith("weight"):
            fan = shape[0] if len(shape) == 2 else max(1, math.prod(shape[1:]))
            low, high = -1.7 / math.sqrt(fan), 1.7 / math.sqrt(fan)
        described, array = filled(name, "float32", shape, len(self.parameters) + 1, low, high)
        with torch.no_grad():
            tensor.copy_(torch.from_numpy(array.T.copy() if transposed else array))
        self.parameters.append(described)
        self.tensors.append((tensor, transposed))

    def linear(self, path: str, module: nn.Linear):
        self.put(f"{path}.weight", module.weight, transposed=True)
        if module.bias is not None:
            self.put(f"{path}.bias", module.bias)

    def conv(self, path: str, module: nn.Module):
        self.put(f"{path}.weight", module.weight)
        if module.bias is not None:
            self.put(f"{path}.bias", module.bias)

    def norm(self, path: str, module: nn.Module):
        self.put(f"{path}.scale", module.weight)
        self.put(f"{path}.bias", module.bias)
        if getattr(module, "running_mean", None) is not None:
            self.put(f"{path}.mean", module.running_mean)
            self.put(f"{path}.variance", module.running_var)

    def attention(self, path: str, module: nn.MultiheadAttention):
        self.put(f"{path}.qkv.weight", module.in_proj_weight, transposed=True)
        self.put(f"{path}.qkv.bias", module.in_proj_bias)
        self.linear(f"{path}.out", module.out_proj)

    def answer(self, *inputs: tuple[dict, np.ndarray], run=None) -> dict:
        output = (run or self.module)(*(torch.from_numpy(array) for _, array in inputs))
        described = [description for description, _ in inputs]
        values = numbers(output.detach().numpy().ravel())
        rows = output.flatten(0, -2)
        labels = torch.arange(len(rows)) * 2 % rows.shape[1]
        loss = nn.functional.cross_entropy(rows, labels)
        loss.backward()
        return {
            "name": self.name, "parameters": self.parameters, "inputs": described, "shape": list(output.shape), "values": values,
            "loss": loss.item(), "gradients": [self.gradient(*one) for one in enumerate(self.tensors)],
        }  # fmt: skip

    def gradient(self, index: int, tensor: tuple[torch.Tensor, bool]) -> list[float] | None:
        """Of the loss by a parameter: its norm, and its product with numbers from a seed; null for a running statistic."""
        values, transposed = tensor
        grad = values.grad if values.is_leaf else values._base.grad.view(values.shape)
        if grad is None:
            return None
        gradient = grad.numpy().astype(np.float64)
        _, along = filled("", "float64", list(gradient.T.shape if transposed else gradient.shape), 10_000 + index, -1, 1)
        return [float(np.linalg.norm(gradient)), float(np.sum((gradient.T if transposed else gradient) * along))]


def image(*shape: int):
    return filled("input", "float32", list(shape), 7, -1, 1)


def tokens(rows: int, length: int, vocabulary: int, padded: list[int]):
    """Tokens from 1 on, and 0 in the last places."""
    described, array = filled("input", "int64", [rows, length], 11, 1, vocabulary)
    for row, count in enumerate(padded):
        if count > 0:
            array[row, length - count :] = 0
    return listed("input", "int64", array)


def mlp(normalization):
    norm = {"batch": nn.BatchNorm1d, "layer": nn.LayerNorm}[normalization]
    activation = {"batch": nn.ReLU, "layer": nn.GELU}[normalization]
    bias = normalization != "batch"
    module = nn.Sequential(
        nn.Linear(5, 7, bias=bias), norm(7), activation(), nn.Dropout(0.5), nn.Linear(7, 6, bias=bias), norm(6), activation(), nn.Dropout(0.5), nn.Linear(6, 3)
    )
    case = Case(f"mlp, {normalization}", module)
    for index, at in ((1, 0), (2, 4)):
        case.linear(f"hidden{index}.linear", module[at])
        case.norm(f"hidden{index}.{normalization}Norm", module[at + 1])
    case.linear("head", module[8])
    return case.answer(image(3, 5))


class Cnn(nn.Module):
    """A stem, two stages of two of torchvision's blocks, a mean, a head."""

    def __init__(self):
        super().__init__()
        self.stem = nn.Sequential(nn.Conv2d(2, 4, 3, padding=1, bias=False), nn.BatchNorm2d(4), nn.ReLU())
        shortcut = nn.Sequential(nn.Conv2d(4, 6, 1, stride=2, bias=False), nn.BatchNorm2d(6))
        self.blocks = nn.ModuleList([BasicBlock(4, 4), BasicBlock(4, 4), BasicBlock(4, 6, 2, shortcut), BasicBlock(6, 6)])
        self.head = nn.Linear(6, 3)

    def forward(self, x):
        x = self.stem(x)
        for block in self.blocks:
            x = block(x)
        return self.head(x.mean((2, 3)))


def basic_block(case: Case, path: str, block: BasicBlock):
    for index, (conv, norm) in enumerate(((block.conv1, block.bn1), (block.conv2, block.bn2)), 1):
        case.conv(f"{path}.conv{index}", conv)
        case.norm(f"{path}.batchNorm{index}", norm)
    if block.downsample is not None:
        case.conv(f"{path}.shortcut.conv", block.downsample[0])
        case.norm(f"{path}.shortcut.batchNorm", block.downsample[1])


def cnn():
    module = Cnn()
    case = Case("cnn, residual", module)
    case.conv("stem.conv", module.stem[0])
    case.norm("stem.batchNorm", module.stem[1])
    for index, block in enumerate(module.blocks):
        basic_block(case, f"stage{index // 2 + 1}.block{index % 2 + 1}", block)
    case.linear("head", module.head)
    return case.answer(image(2, 2, 9, 8))


def separable():
    layers, names = [nn.Conv2d(2, 4, 3, padding=1, bias=False), nn.BatchNorm2d(4), nn.ReLU()], [("stem.conv", 0), ("stem.batchNorm", 1)]
    for stage, (given, made, stride) in enumerate(((4, 4, 1), (4, 6, 2)), 1):
        for index, (inputs, step) in enumerate(((given, stride), (made, 1)), 1):
            at = len(layers)
            layers += [
                nn.Conv2d(inputs, inputs, 3, stride=step, padding=1, groups=inputs, bias=False), nn.BatchNorm2d(inputs), nn.ReLU(),
                nn.Conv2d(inputs, made, 1, bias=False), nn.BatchNorm2d(made), nn.ReLU(),
            ]  # fmt: skip
            path = f"stage{stage}.block1"
            names += [(f"{path}.depthwiseConv{index}", at), (f"{path}.batchNorm{2 * index - 1}", at + 1), (f"{path}.conv{index}", at + 3), (f"{path}.batchNorm{2 * index}", at + 4)]
    module = nn.Sequential(*layers, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(6, 3))
    case = Case("cnn, separable", module)
    for name, at in names:
        (case.norm if "Norm" in name else case.conv)(name, module[at])
    case.linear("head", module[-1])
    return case.answer(image(2, 2, 9, 8))


class ThinResNet(ResNet):
    """torchvision's ResNet-18 with 4 channels in its first stage instead of 64."""

    def __init__(self):
        super().__init__(BasicBlock, [2, 2, 2, 2], num_classes=5)
        self.inplanes = 4
        self.conv1, self.bn1 = nn.Conv2d(3, 4, 7, stride=2, padding=3, bias=False), nn.BatchNorm2d(4)
        self.layer1, self.layer2 = self._make_layer(BasicBlock, 4, 2), self._make_layer(BasicBlock, 8, 2, stride=2)
        self.layer3, self.layer4 = self._make_layer(BasicBlock, 16, 2, stride=2), self._make_layer(BasicBlock, 32, 2, stride=2)
        self.fc = nn.Linear(32, 5)


def resnet():
    module = ThinResNet()
    case = Case("resnet18", module)
    case.conv("stem.conv", module.conv1)
    case.norm("stem.batchNorm", module.bn1)
    for stage, blocks in enumerate((module.layer1, module.layer2, module.layer3, module.layer4), 1):
        for index, block in enumerate(blocks, 1):
            basic_block(case, f"stage{stage}.block{index}", block)
    case.linear("head", module.fc)
    return case.answer(image(2, 3, 37, 33))


def mobilenet():
    module = torchvision.models.mobilenet_v2(width_mult=0.25, num_classes=5)
    # The last convolution makes 1280 channels whatever the width.
    case = Case("mobilenet_v2", module)
    features = list(module.features)
    case.conv("stem.conv", features[0][0])
    case.norm("stem.batchNorm", features[0][1])
    at = 1
    for stage, count in enumerate((1, 2, 3, 4, 3, 3, 1), 1):
        for index in range(1, count + 1):
            path, parts = f"stage{stage}.block{index}", list(features[at].conv)
            if len(parts) == 4:
                case.conv(f"{path}.expand.conv", parts[0][0])
                case.norm(f"{path}.expand.batchNorm", parts[0][1])
                parts = parts[1:]
            case.conv(f"{path}.depthwise.depthwiseConv", parts[0][0])
            case.norm(f"{path}.depthwise.batchNorm", parts[0][1])
            case.conv(f"{path}.project.conv", parts[1])
            case.norm(f"{path}.project.batchNorm", parts[2])
            at += 1
    case.conv("last.conv", features[at][0])
    case.norm("last.batchNorm", features[at][1])
    case.linear("head", module.classifier[1])
    return case.answer(image(2, 3, 40, 33))


class Encoder(nn.Module):
    def __init__(self, norm: str, activation: str, depth: int):
        super().__init__()
        self.tokens, self.positions = nn.Embedding(9, 8), nn.Embedding(12, 8)
        layer = nn.TransformerEncoderLayer(8, 2, 16, dropout=0.1, activation=activation, batch_first=True, norm_first=norm == "pre")
        self.encoder = nn.TransformerEncoder(layer, depth, nn.LayerNorm(8) if norm == "pre" else None, enable_nested_tensor=False)
        self.head = nn.Linear(8, 3)

    def hidden(self, x, counts):
        x = self.tokens(x) + self.positions.weight[: x.shape[1]]
        return self.encoder(x, src_key_padding_mask=counts.logical_not())

    def fill(self, case: Case):
        case.put("tokens.weight", self.tokens.weight)
        case.put("positions.weight", self.positions.weight)
        for index, layer in enumerate(self.encoder.layers, 1):
            path = f"block{index}"
            case.norm(f"{path}.norm1", layer.norm1)
            case.attention(f"{path}.attention", layer.self_attn)
            case.norm(f"{path}.norm2", layer.norm2)
            case.linear(f"{path}.feedForward.up", layer.linear1)
            case.linear(f"{path}.feedForward.down", layer.linear2)
        if self.encoder.norm is not None:
            case.norm("norm", self.encoder.norm)
        case.linear("head", self.head)


def encoder():
    module = Encoder("pre", "gelu", 2)
    case = Case("encoder, padding token", module)
    module.fill(case)

    def run(x):
        counts = x != 0
        hidden = module.hidden(x, counts) * counts[..., None]
        return module.head(hidden.sum(1) / counts.sum(1, keepdim=True))

    return case.answer(tokens(3, 10, 9, [0, 4, 7]), run=run)


def post_encoder():
    module = Encoder("post", "relu", 1)
    case = Case("encoder, mask", module)
    module.fill(case)
    counts = np.array([[True] * 7, [True, True, False, True, True, False, False]])
    described = {"name": "mask", "dtype": "bool", "shape": [2, 7], "values": [int(value) for value in counts.ravel()]}
    return case.answer(tokens(2, 7, 9, [0, 0]), (described, counts), run=lambda x, c: module.head(module.hidden(x, c)[:, 0]))


def decoder():
    config = transformers.GPT2Config(vocab_size=11, n_positions=12, n_embd=8, n_layer=2, n_head=2, n_inner=16, attn_implementation="eager")
    module = transformers.GPT2LMHeadModel(config)
    case = Case("decoder", module)
    case.put("tokens.weight", module.transformer.wte.weight)
    case.put("positions.weight", module.transformer.wpe.weight)
    for index, block in enumerate(module.transformer.h, 1):
        path = f"block{index}"
        case.norm(f"{path}.norm1", block.ln_1)
        # Conv1D has its weights [inputs, outputs], as Slipway has.
        case.conv(f"{path}.attention.qkv", block.attn.c_attn)
        case.conv(f"{path}.attention.out", block.attn.c_proj)
        case.norm(f"{path}.norm2", block.ln_2)
        case.conv(f"{path}.feedForward.up", block.mlp.c_fc)
        case.conv(f"{path}.feedForward.down", block.mlp.c_proj)
    case.norm("norm", module.transformer.ln_f)
    return case.answer(tokens(2, 9, 11, [0, 0]), run=lambda x: module(x).logits)


def vision_transformer():
    module = torchvision.models.VisionTransformer(image_size=12, patch_size=4, num_layers=2, num_heads=2, hidden_dim=8, mlp_dim=16, num_classes=3)
    case = Case("vision transformer", module)
    case.conv("patches", module.conv_proj)
    case.put("class.weight", module.class_token)
    case.put("positions.weight", module.encoder.pos_embedding[0])
    for index, layer in enumerate(module.encoder.layers, 1):
        path = f"block{index}"
        case.norm(f"{path}.norm1", layer.ln_1)
        case.attention(f"{path}.attention", layer.self_attention)
        case.norm(f"{path}.norm2", layer.ln_2)
        case.linear(f"{path}.feedForward.up", layer.mlp[0])
        case.linear(f"{path}.feedForward.down", layer.mlp[3])
    case.norm("norm", module.encoder.ln)
    case.linear("head", module.heads.head)
    return case.answer(image(2, 3, 12, 12))


class Branches(nn.Module):
    """Layers that no preset has."""

    def __init__(self):
        super().__init__()
        self.grouped = nn.Conv2d(4, 6, (3, 5), stride=(2, 1), dilation=(1, 2), padding=(1, 2), groups=2)
        self.norm = nn.GroupNorm(3, 6)
        self.gate = torchvision.ops.SqueezeExcitation(6, 2)
        self.one, self.other = nn.Conv2d(6, 2, 1), nn.Conv2d(6, 3, 4, padding="same")
        self.head = nn.Linear(5 * 3 * 4, 3)

    def forward(self, x):
        x = self.gate(self.norm(self.grouped(x)))
        x = torch.cat([self.one(x), self.other(x)], 1)
        x = nn.functional.avg_pool2d(x, (2, 3), stride=(2, 2), padding=(1, 0), count_include_pad=False)
        return torch.softmax(self.head(x.flatten(1)), -1)


def branches():
    module = Branches()
    case = Case("branches", module)
    case.conv("conv", module.grouped)
    case.norm("groupNorm", module.norm)
    case.conv("squeezeExcitation.reduce", module.gate.fc1)
    case.conv("squeezeExcitation.expand", module.gate.fc2)
    case.conv("concatenate.branch1", module.one)
    case.conv("concatenate.branch2.conv", module.other)
    case.linear("linear", module.head)
    return case.answer(image(2, 4, 9, 14))


class UNet(nn.Module):
    """Down twice and up again, each height with what it was on the way down."""

    def __init__(self):
        super().__init__()
        self.down1, self.down2 = nn.Conv2d(2, 3, 3, padding=1), nn.Conv2d(3, 4, 3, padding=1)
        self.bottom = nn.Conv2d(4, 5, 3, padding=1)
        self.up2, self.up1 = nn.ConvTranspose2d(5, 4, 3, stride=2, padding=1, output_padding=1), nn.Conv2d(8, 3, 1)
        self.head = nn.Linear(6, 2)

    def forward(self, x):
        one = torch.relu(self.down1(x))
        two = torch.relu(self.down2(nn.functional.max_pool2d(one, 2)))
        low = torch.relu(self.bottom(nn.functional.max_pool2d(two, 2)))
        two = torch.relu(self.up1(torch.cat([two, self.up2(low)], 1)))
        two = nn.functional.interpolate(two, scale_factor=(2, 1), mode="nearest")
        up = nn.functional.interpolate(two, scale_factor=(1, 2), mode="bilinear", align_corners=False)
        return self.head(torch.cat([one, up], 1).mean((2, 3)))


def unet():
    module = UNet()
    case = Case("u-net", module)
    case.conv("down1", module.down1)
    case.conv("outer.branch2.down2", module.down2)
    case.conv("outer.branch2.inner.branch2.bottom", module.bottom)
    case.conv("outer.branch2.inner.branch2.convTranspose", module.up2)
    case.conv("outer.branch2.up1", module.up1)
    case.linear("head", module.head)
    return case.answer(image(2, 2, 8, 12))


def signal():
    module = nn.Sequential(nn.Conv1d(3, 4, 5, stride=2, padding=2), nn.SiLU(), nn.MaxPool1d(3, 2, 1), nn.Conv1d(4, 4, 3), nn.Tanh(), nn.AdaptiveMaxPool1d(1), nn.Flatten(), nn.Linear(4, 2))
    case = Case("signal", module)
    case.conv("conv1", module[0])
    case.conv("conv2", module[3])
    case.linear("linear", module[7])
    return case.answer(image(2, 3, 21))


ACTIVATIONS = {
    "relu": nn.ReLU(), "relu6": nn.ReLU6(), "leaky-relu": nn.LeakyReLU(), "elu": nn.ELU(), "selu": nn.SELU(), "gelu": nn.GELU(),
    "gelu-tanh": nn.GELU("tanh"), "silu": nn.SiLU(), "mish": nn.Mish(), "hard-swish": nn.Hardswish(), "hard-sigmoid": nn.Hardsigmoid(),
    "sigmoid": nn.Sigmoid(), "tanh": nn.Tanh(), "softplus": nn.Softplus(), "softsign": nn.Softsign(),
}  # fmt: skip


def activations():
    x = np.array([[-9, -4, -3, -1.5, -0.5, 0, 0.5, 1.5, 3, 7]], dtype=np.float32)
    return {"x": numbers(x.ravel()), "values": {name: numbers(module(torch.from_numpy(x)).numpy().ravel()) for name, module in ACTIVATIONS.items()}}


def drawn_by(draw) -> list[dict]:
    """The calls of uniform_, normal_ and so on that something makes, in their order."""
    calls = []

    def uniform(self, low=0, high=1, **_):
        calls.append({"kind": "uniform", "low": float(low), "high": float(high)})
        return self

    def normal(self, mean=0, std=1, **_):
        calls.append({"kind": "normal", "mean": float(mean), "deviation": float(std)})
        return self

    with mock.patch.object(torch.Tensor, "uniform_", uniform), mock.patch.object(torch.Tensor, "normal_", normal):
        draw()
    return calls


def laws():
    """By the shape PyTorch has: [outputs, inputs] of Linear, [channels, channels of a group, …kernel] of Conv."""
    init, found = torch.nn.init, []
    for shape in ([7, 5], [8, 3, 3, 3], [6, 1, 5, 5], [8, 2, 3], [12, 1, 3, 3]):
        w = torch.empty(shape)
        for initialization, draw in {
            "glorot-uniform": lambda: init.xavier_uniform_(w),
            "glorot-normal": lambda: init.xavier_normal_(w),
            "he-uniform": lambda: init.kaiming_uniform_(w, nonlinearity="relu"),
            "he-normal": lambda: init.kaiming_normal_(w, nonlinearity="relu"),
            "lecun-uniform": lambda: init.kaiming_uniform_(w, nonlinearity="linear"),
            "lecun-normal": lambda: init.kaiming_normal_(w, nonlinearity="linear"),
            "torch-default": lambda: init.kaiming_uniform_(w, a=math.sqrt(5)),
        }.items():
            found.append({"shape": shape, "initialization": initialization, "law": drawn_by(draw)[0]})
        tanh = init.calculate_gain("tanh")
        for initialization, draw in (
            ({"kind": "glorot-uniform", "gain": tanh}, lambda: init.xavier_uniform_(w, tanh)),
            ({"kind": "he-normal", "fan": "out"}, lambda: init.kaiming_normal_(w, mode="fan_out", nonlinearity="relu")),
            ({"kind": "he-uniform", "negativeSlope": 0.2}, lambda: init.kaiming_uniform_(w, a=0.2, nonlinearity="leaky_relu")),
        ):
            found.append({"shape": shape, "initialization": initialization, "law": drawn_by(draw)[0]})
    layers = []
    for name, make in {
        "linear": lambda: nn.Linear(5, 7),
        "conv": lambda: nn.Conv2d(4, 8, 3, groups=2),
        "depthwiseConv": lambda: nn.Conv2d(4, 8, (3, 5), groups=4),
        "convTranspose": lambda: nn.ConvTranspose2d(4, 8, 3),
        "embedding": lambda: nn.Embedding(9, 8),
        "selfAttention": lambda: nn.MultiheadAttention(8, 2),
    }.items():
        layers.append({"layer": name, "laws": drawn_by(make)})
    gains = {name: init.calculate_gain(name.replace("-", "_")) for name in ("linear", "sigmoid", "tanh", "relu", "leaky-relu", "selu")}
    return {"gains": gains, "initializations": found, "layers": layers}


def counts():
    """Parameters that learn."""
    sizes = lambda module: sum(parameter.numel() for parameter in module.parameters())
    with torch.device("meta"):
        return {
            "resnet18": sizes(torchvision.models.resnet18()),
            "mobilenet_v2": sizes(torchvision.models.mobilenet_v2()),
            "mobilenet_v2, 0.5": sizes(torchvision.models.mobilenet_v2(width_mult=0.5)),
            "vit_b_16": sizes(torchvision.models.vit_b_16()),
            "gpt2": sizes(transformers.GPT2LMHeadModel(transformers.GPT2Config())),
            "encoder": sizes(Encoder("pre", "gelu", 2)),
        }


def main():
    torch.manual_seed(1)
    cases = [mlp("batch"), mlp("layer"), cnn(), separable(), resnet(), mobilenet(), encoder(), post_encoder(), decoder(), vision_transformer(), branches(), unet(), signal()]
    versions = {"torch": torch.__version__, "torchvision": torchvision.__version__, "transformers": transformers.__version__}
    content = {**versions, "cases": cases, "activations": activations(), "laws": laws(), "counts": counts()}
    TARGET.write_text(json.dumps(content, separators=(",", ":")) + "\n")
    print(TARGET.stat().st_size, "bytes", sys.version.split()[0])


main()
