"""What the Inside page shows, as PyTorch code to paste into a notebook.

Each text runs on its own. It reads the images from a folder ``data`` and downloads them if they are not there. It reads
a trained model from a file ``model.safetensors``, as `mlpcore.models.save` writes it, and creates an untrained model
with the same weights as in the app.
"""

import base64
import zlib
from collections.abc import Collection, Mapping
from typing import Any

from torch import Tensor

from mlpcore.experiment import Experiment, OptimizerName
from mlpcore.exploration.batches import SEED
from mlpcore.export.code import values_for
from mlpcore.inspection.layers import Model, Neuron
from mlpcore.models import TrainedModel
from mlpcore.sampling import Stream, seeded

FILE = "model.safetensors"
"""Where the code looks for a trained model."""

_BATCH = 64


def test_image(model: Model, number: int) -> str:
    """Lines that load a test image, as the model's input, and its label."""
    return f"""\
{transform(model.experiment)}
image, label = datasets.MNIST("data", train=False, download=True, transform=transform)[{number}]
"""


def drawn_image(model: Model, image: Tensor, label: int) -> str:
    """The same for a drawing, uint8 [28, 28], with its pixels in the text."""
    return f"""\
import base64
import zlib

import numpy as np
from PIL import Image

{_picture(image)}
{transform(model.experiment)}
image, label = transform(picture), {label}
"""


def walking(model: Model, image_lines: str) -> str:
    """The forward pass of one image layer by layer, softmax and cross-entropy."""
    return f"""\
{imports_and_model(model)}
{image_lines}
x = image  # shape [1, 28, 28]: one image, so a batch of one
with torch.no_grad():
    for layer in model:
        x = layer(x)
        print(layer, tuple(x.shape))

logits = x[0].double()
exponentials = logits.exp()
probabilities = exponentials / exponentials.sum()
loss = -probabilities[label].log()
print("logits", logits)
print("probabilities", probabilities, "answer", logits.argmax().item())
print("cross-entropy", loss.item(), "from PyTorch:", nn.functional.cross_entropy(logits, torch.tensor(label)).item())
"""


def answering(models: Mapping[str, TrainedModel], image: Tensor) -> str:
    """Logits, probabilities and answer of each model, given by its file's name, for a drawing, uint8 [28, 28]."""
    entries = "".join(
        f"""\
    "{file}": (
        nn.Sequential(
{_layer_lines(model.experiment, 12)}
        ),
        {_compose(model.experiment)},
    ),
"""
        for file, model in models.items()
    )
    return f"""\
import base64
import zlib

import numpy as np
import torch
from PIL import Image
from safetensors.torch import load_file
from torch import nn
from torchvision import transforms

{_picture(image)}
models = {{
{entries}}}
answers = {{}}
for file, (model, transform) in models.items():
    weights = load_file(file)  # one of the files to download on this page
    model.load_state_dict({{name.removeprefix("layers."): values for name, values in weights.items()}})
    model.eval()
    with torch.no_grad():
        logits = model(transform(picture))[0]  # one image, so a batch of one
    answers[file] = logits.softmax(dim=0)
    print(file, "answers", answers[file].argmax().item())
    print("logits", logits)
    print("probabilities", answers[file])
"""


def adding_up(model: Model, neuron: Neuron, count: int, image_lines: str) -> str:
    """One neuron's sum term by term, and the picture that it looks for in this image."""
    place = linear_places(model)[neuron.layer]
    return f"""\
{imports_and_model(model)}
{image_lines}
linear, index = model[{place}], {neuron.index}
with torch.no_grad():
    x = model[:{place}](image)[0]
    terms = linear.weight[index] * x
    total = terms.sum() + linear.bias[index]
largest = terms.abs().argsort(descending=True)[:{count}]
for source in largest.tolist():
    print(f"from {{source}}: {{linear.weight[index, source]:.4f}} * {{x[source]:.4f}} = {{terms[source]:.4f}}")
print("all others", (terms.sum() - terms[largest].sum()).item(), "bias", linear.bias[index].item(), "sum", total.item())

# The derivative of the sum with respect to each pixel. In the first layer, these are the neuron's weights; in a ReLU
# network, all layers together are this linear map near the image.
pixels = image.clone().requires_grad_()
(picture,) = torch.autograd.grad(model[:{place + 1}](pixels)[0, index], pixels)
print(picture.shape, picture.min(), picture.max())
"""


def switching_off(model: Model, off: Collection[Neuron], every: int) -> str:
    """The accuracy on every `every`-th test image while the activations of some hidden neurons are 0."""
    starts = linear_places(model)
    hooks = "".join(
        f"model[{starts[layer + 1] - 1}].register_forward_hook(switch_off({indices}))\n"
        for layer in sorted({neuron.layer for neuron in off})
        if (indices := sorted(neuron.index for neuron in off if neuron.layer == layer))
    )
    return f"""\
{imports_and_model(model, "from torch.utils.data import DataLoader, Subset")}

def switch_off(neurons):
    def hook(layer, inputs, outputs):
        outputs[:, neurons] = 0
        return outputs

    return hook


{hooks}
{transform(model.experiment)}
data = datasets.MNIST("data", train=False, download=True, transform=transform)
loader = DataLoader(Subset(data, range(0, len(data), {every})), batch_size=1000)
with torch.no_grad():
    right = sum((model(images).argmax(dim=1) == labels).sum().item() for images, labels in loader)
accuracy = right / len(loader.dataset)
print(f"{{accuracy:.2%}} of {{len(loader.dataset)}} test images")
"""


def stepping(model: Model, number: int, former: bool, forget_zero_grad: bool) -> str:
    """The five calls for batch `number` of an epoch, counted from 1, and what each of them does.

    Args:
        former: whether a step is taken with the previous batch first, so that its gradients are left.
    """
    before = """
images, labels = former
loss_function(model(images), labels).backward()
optimizer.step()
"""
    zero_grad = "# optimizer.zero_grad() is forgotten" if forget_zero_grad else "optimizer.zero_grad()"
    return f"""\
{_with_batches(model, number - former, 1 + former)}
former, batch = batches[0], batches[-1]
loss_function = nn.CrossEntropyLoss()
optimizer = torch.optim.{_values(model.experiment)["optimizer"]}


def gradient_norms():
    return [None if p.grad is None else p.grad.norm().item() for p in model.parameters()]


model.train()
{before if former else ""}
images, labels = batch
print("gradients before zero_grad", gradient_norms())
{zero_grad}
print("after zero_grad", gradient_norms())
logits = model(images)
print("logits", logits.shape)
loss = loss_function(logits, labels)
print("loss", loss.item())
loss.backward()
gradients = gradient_norms()
print("after backward", gradients)
before = [p.detach().clone() for p in model.parameters()]
optimizer.step()
print("changes", [(p.detach() - old).norm().item() for p, old in zip(model.parameters(), before)])
with torch.no_grad():
    loss_after = loss_function(model(images), labels)
print("loss on the same batch after the step", loss_after.item())
"""


def forgetting(model: Model, number: int, steps: int) -> str:
    """Two training loops on `steps` batches starting with batch `number`: one with `zero_grad`, one without."""
    return f"""\
import copy

{_with_batches(model, number, steps)}
loss_function = nn.CrossEntropyLoss()


def train(model, forget_zero_grad):
    optimizer = torch.optim.{_values(model.experiment)["optimizer"]}
    model.train()
    losses = []
    for images, labels in batches:
        if not forget_zero_grad:
            optimizer.zero_grad()
        loss = loss_function(model(images), labels)
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    return losses


remembered = train(copy.deepcopy(model), forget_zero_grad=False)
forgotten = train(copy.deepcopy(model), forget_zero_grad=True)
print("with zero_grad", remembered)
print("without zero_grad", forgotten)
"""


def accumulating(model: Model, number: int) -> str:
    """The gradient of batch `number`, counted from 1, at once and accumulated from its two halves."""
    return f"""\
{_with_batches(model, number, 1)}
images, labels = batches[0]
loss_function = nn.CrossEntropyLoss()
model.train()


def gradient(parts):
    model.zero_grad()
    for rows in parts:
        loss = loss_function(model(images[rows]), labels[rows])
        (loss / len(parts)).backward()  # each loss is a mean, so the sum has to be divided
    return torch.cat([p.grad.flatten() for p in model.parameters()])


half = len(images) // 2
whole = gradient([slice(None)])
added = gradient([slice(0, half), slice(half, None)])
difference = (added - whole).abs().max() / whole.abs().max()
print("norms", whole.norm().item(), added.norm().item(), "largest difference", difference.item())
"""


def optimizing(model: Model, number: int, rates: Mapping[OptimizerName, float]) -> str:
    """Each optimizer's first update with the gradient of batch `number`, counted from 1."""
    plain = {name: model.experiment.changed(optimizer=name, learning_rate=rate, weight_decay=0.0)
             for name, rate in rates.items()}  # fmt: skip
    makers = "\n".join(f'    "{name}": torch.optim.{_values(each)["optimizer"]},' for name, each in plain.items())
    return f"""\
{_with_batches(model, number, 1)}
images, labels = batches[0]
model.train()
nn.functional.cross_entropy(model(images), labels).backward()
downhill = -torch.cat([p.grad.flatten() for p in model.parameters()])
start = [p.detach().clone() for p in model.parameters()]

optimizers = {{
{makers}
}}
updates = {{}}
for name, optimizer in optimizers.items():
    optimizer.step()
    with torch.no_grad():
        updates[name] = torch.cat([(p - old).flatten() for p, old in zip(model.parameters(), start)])
        for p, old in zip(model.parameters(), start):
            p.copy_(old)  # the next optimizer starts from the same parameters
    cosine = nn.functional.cosine_similarity(updates[name], downhill, dim=0)
    print(name, "norm", updates[name].norm().item(), "cosine", cosine.item())
"""


def both_modes(model: Model, dropout: float, times: int, image_lines: str) -> str:
    """The same image `times` times through the model with dropout, after `train()` and after `eval()`."""
    if model.experiment.architecture.dropout:
        change = f"""\
for layer in model:
    if isinstance(layer, nn.Dropout):
        layer.p = {dropout}
"""
    else:
        kind = type(model.network.layers[linear_places(model)[1] - 1]).__name__
        change = f"""\
layers = []
for layer in model:
    layers += [layer, nn.Dropout({dropout})] if isinstance(layer, nn.{kind}) else [layer]
model = nn.Sequential(*layers)
"""
    return f"""\
{imports_and_model(model)}
{change}
{image_lines}
others = datasets.MNIST("data", train=False, download=True, transform=transform)
batch = torch.stack([image, *(others[number][0] for number in range(31))])  # in a batch, as in training
answers = {{}}
with torch.no_grad():
    for mode in (True, False):  # the masks and the other images differ from the page, so the spread does, too
        model.train(mode)  # model.eval() is model.train(False)
        answers[mode] = torch.stack([model(batch)[0].softmax(dim=0) for _ in range({times})])
        spread = answers[mode].std(dim=0).max().item()
        print("train()" if mode else "eval()", "largest spread of a probability", spread)
"""


def counting_bytes(model: Model, size: int) -> str:
    """The bytes that autograd keeps for the backward pass of a batch of `size` images, with and without `no_grad`."""
    return f"""\
{imports_and_model(model, "from torch.utils.data import DataLoader")}
{transform(model.experiment)}
data = datasets.MNIST("data", train=True, download=True, transform=transform)
images, labels = next(iter(DataLoader(data, batch_size={size})))


def kept_bytes():
    there_anyway = {{tensor.data_ptr() for tensor in [*model.parameters(), *model.buffers()]}}
    kept = {{}}

    def note(tensor):
        if tensor.data_ptr() not in there_anyway:
            kept[tensor.data_ptr()] = tensor  # a tensor that is kept twice counts once
        return tensor

    with torch.autograd.graph.saved_tensors_hooks(note, lambda tensor: tensor):
        logits = model(images)
    return sum(tensor.nbytes for tensor in kept.values())


with_gradient = kept_bytes()
with torch.no_grad():
    without = kept_bytes()
print("kept for backward:", with_gradient, "bytes; under no_grad:", without)
"""


def evaluating(model: Model) -> str:
    """The share of test images whose largest logit is that of the true class."""
    return f"""\
{imports_and_model(model, "from torch.utils.data import DataLoader")}
{transform(model.experiment)}
data = datasets.MNIST("data", train=False, download=True, transform=transform)
loader = DataLoader(data, batch_size=1000, shuffle=False)

model.eval()
right = 0
with torch.no_grad():
    for images, labels in loader:
        right += (model(images).argmax(dim=1) == labels).sum().item()
accuracy = right / len(data)
print(f"{{accuracy:.2%}} of {{len(data)}} test images")
"""


def yes_or_no(digit: int) -> str:
    """One output with a sigmoid and ten with softmax, both trained to tell whether an image shows `digit`."""
    return f"""\
import torch
from torch import nn
from torch.utils.data import DataLoader, Subset
from torchvision import datasets, transforms

train_data = datasets.MNIST("data", train=True, download=True, transform=transforms.ToTensor())
test_data = datasets.MNIST("data", train=False, download=True, transform=transforms.ToTensor())
loader = DataLoader(Subset(train_data, range(6000)), batch_size=64, shuffle=True)


# Each model starts from its own weights and sees the images in a different order, so results vary a little.
def network(outputs):
    return nn.Sequential(nn.Flatten(), nn.Linear(784, 64), nn.ReLU(), nn.Linear(64, outputs))


def train(model, loss_function):
    optimizer = torch.optim.Adam(model.parameters(), lr=0.001)
    for epoch in range(10):
        for images, labels in loader:
            optimizer.zero_grad()
            loss_function(model(images), labels).backward()
            optimizer.step()
    return model


ten = train(network(10), nn.CrossEntropyLoss())
binary_loss = nn.BCEWithLogitsLoss()  # sigmoid and binary cross-entropy in one
one = train(network(1), lambda logits, labels: binary_loss(logits[:, 0], (labels == {digit}).float()))

images, labels = next(iter(DataLoader(test_data, batch_size=10_000)))
with torch.no_grad():
    yes_of_one = one(images)[:, 0].sigmoid() > 0.5
    yes_of_ten = ten(images).argmax(dim=1) == {digit}
for name, said_yes in [("one output", yes_of_one), ("ten outputs", yes_of_ten), ("always no", labels < 0)]:
    right = (said_yes == (labels == {digit})).double().mean()
    found = said_yes[labels == {digit}].double().mean()
    print(f"{{name}}: {{right:.2%}} correct, {{found:.2%}} of the images of {digit} found")
"""


def _values(experiment: Experiment) -> dict[str, Any]:
    # With PyTorch's own dropout and unchanged images.
    return values_for(experiment.changed(device="cpu", augment="none"))


def transform(experiment: Experiment) -> str:
    """The line that defines the transform of the images."""
    return f"transform = {_compose(experiment)}"


def _compose(experiment: Experiment) -> str:
    return f"transforms.Compose([{', '.join(_values(experiment)['transforms'])}])"


def _picture(image: Tensor) -> str:
    pixels = base64.b64encode(zlib.compress(image.numpy().tobytes(), 9)).decode()
    return f"""\
pixels = zlib.decompress(base64.b64decode("{pixels}"))
picture = Image.fromarray(np.frombuffer(pixels, np.uint8).reshape(28, 28))"""


def _layer_lines(experiment: Experiment, indent: int) -> str:
    return "\n".join(f"{' ' * indent}{layer}," for layer in _values(experiment)["layers"])


def imports_and_model(model: Model, *imports: str) -> str:
    """The imports, and the model in evaluation mode."""
    sequential = f"model = nn.Sequential(\n{_layer_lines(model.experiment, 4)}\n)"
    if isinstance(model, TrainedModel):
        read = ["from safetensors.torch import load_file"]
        lines = f"""\
{sequential}
weights = load_file("{FILE}")  # the file from "Download the model"
model.load_state_dict({{name.removeprefix("layers."): values for name, values in weights.items()}})"""
    else:
        read = []
        start = seeded(model.experiment.seed, Stream.WEIGHTS).initial_seed()
        lines = f"torch.manual_seed({start})  # for the same untrained weights as in MLP Lab\n{sequential}"
    others = [*read, "from torch import nn", *imports, "from torchvision import datasets, transforms"]
    return "\n".join(["import torch", *others]) + f"\n\n{lines}\nmodel.eval()\n"


def _with_batches(model: Model, number: int, count: int) -> str:
    """Imports and model, and a list of `count` batches of a shuffled epoch from batch `number`, counted from 1."""
    lines = f"""\
{transform(model.experiment)}
data = datasets.MNIST("data", train=True, download=True, transform=transform)
order = torch.Generator().manual_seed({SEED})  # for the same batches as in MLP Lab
loader = DataLoader(data, batch_size={_BATCH}, shuffle=True, generator=order)
batches = list(islice(loader, {number - 1}, {number - 1 + count}))
"""
    if model.experiment.architecture.dropout:
        lines += "# Dropout draws different masks here than on the page, so the numbers differ a little.\n"
    beginning = imports_and_model(model, "from torch.utils.data import DataLoader")
    return f"from itertools import islice\n\n{beginning}\n{lines}"


def linear_places(model: Model) -> list[int]:
    """The indices of the linear layers in the model."""
    linear = model.network.linear_layers
    return [place for place, module in enumerate(model.network.layers) if any(module is each for each in linear)]
