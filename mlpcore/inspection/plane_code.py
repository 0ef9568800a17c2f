"""The projector and the two neurons as PyTorch code to paste into a notebook, with Plotly for the chart.

Otherwise as in `mlpcore.inspection.code`.
"""

from mlpcore.experiment import Experiment
from mlpcore.export.code import sections
from mlpcore.inspection.code import imports_and_model, linear_places, transform
from mlpcore.inspection.layers import Model

_POINTS = """\
go.Scatter(
        x=points[:, 0].numpy(),
        y=points[:, 1].numpy(),
        mode="markers",
        marker={"color": labels.numpy(), "colorscale": "Turbo", "showscale": True},
        text=labels.tolist(),
    )"""


def projecting(model: Model, stage: int, every: int) -> str:
    """Every `every`-th test image in the main plane of a stage: 0 is the input, 1 the first hidden layer, and so on."""
    end = linear_places(model)[stage]
    return f"""\
import plotly.graph_objects as go
{imports_and_model(model)}
{transform(model.experiment)}
data = datasets.MNIST("data", train=False, download=True, transform=transform)
images = torch.stack([data[number][0] for number in range(0, len(data), {every})])
labels = data.targets[::{every}]

with torch.no_grad():
    values = model[:{end}](images)  # the images at this stage
centered = values - values.mean(dim=0)
_, lengths, directions = torch.linalg.svd(centered, full_matrices=False)
points = centered @ directions[:2].T  # the signs are arbitrary
shares = lengths.square() / lengths.square().sum()
print("shape", tuple(values.shape), "share of the variance in the plane", shares[:2].sum().item())
go.Figure(
    {_POINTS}
)
"""


def two_neurons(experiment: Experiment, every: int) -> str:
    """Trains a model whose last hidden layer has two neurons, and shows every `every`-th test image in their plane."""
    imports, parts = sections(experiment)
    training = "\n\n".join(parts[part] for part in ("data", "model", "loss", "optimizer", "loop"))
    return f"""\
{imports}
import plotly.graph_objects as go

{training}

# Test images in the plane of the two neurons, and the output layer's answer at each point of the plane.
model.eval()
images = torch.stack([test_data[number][0] for number in range(0, len(test_data), {every})])
labels = test_data.targets[::{every}]
places = torch.linspace(-1, 1, 200)
with torch.no_grad():
    points = model[:-1](images)
    answers = model[-1](points).argmax(dim=1)
    regions = model[-1](torch.cartesian_prod(places, places)).argmax(dim=1).reshape(200, 200).T
print(f"{{(answers == labels).double().mean():.1%}} of {{len(labels)}} test images")
go.Figure([
    go.Heatmap(x=places.numpy(), y=places.numpy(), z=regions.numpy(), colorscale="Turbo", opacity=0.3, showscale=False),
    {_POINTS},
])
"""
