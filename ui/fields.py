"""The fields of an experiment on screen: what each is called, and what it does."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Field:
    """One field of the form; `choices` maps the experiment's values to labels, None means that a number is typed."""

    name: str
    label: str
    help: str
    choices: dict[str, str] | None = None
    placeholder: str = ""


FIELDS = {
    field.name: field
    for field in [
        Field(
            "optimizer",
            "Optimizer",
            "The rule that turns gradients into changes of the weights. Adam adapts the step size of each weight, so "
            "it works over a wider range of learning rates than plain gradient descent (SGD).",
            {
                "adam": "Adam",
                "adamw": "AdamW",
                "sgd": "SGD",
                "momentum": "SGD + momentum",
                "nesterov": "SGD + Nesterov momentum",
                "rmsprop": "RMSprop",
                "adagrad": "Adagrad",
            },
        ),
        Field(
            "learning_rate",
            "Learning rate",
            "How far each update moves the weights. If it is too small, the model learns slowly; if it is too large, "
            "the loss jumps around or diverges.",
        ),
        Field(
            "batch_size",
            "Batch size",
            "Images per step. Small batches give many noisy updates, large ones give few steady updates. Enter full to "
            "use all training images at once.",
        ),
        Field(
            "epochs",
            "Epochs",
            "How many times the model sees each training image. More epochs fit the training images better, in the end "
            "by memorizing them.",
        ),
        Field(
            "activation",
            "Activation",
            "The nonlinear function after each hidden layer's weighted sums. Without it, any number of layers could do "
            "no more than one.",
            {
                "relu": "ReLU",
                "leaky_relu": "LeakyReLU",
                "gelu": "GELU",
                "silu": "SiLU",
                "tanh": "tanh",
                "sigmoid": "sigmoid",
            },
        ),
        Field(
            "dropout",
            "Dropout",
            "Fraction of each hidden layer's neurons that are turned off at random in every training step, so that no "
            "neuron can rely on a single other one. Reduces overfitting; 0 turns it off.",
        ),
        Field(
            "batch_norm",
            "Batch norm",
            "Shifts and scales each neuron's weighted sums to mean 0 and standard deviation 1 within a batch, then "
            "applies a learned scale and shift. Allows larger learning rates and makes deep models easier to train.",
        ),
        Field(
            "weight_decay",
            "Weight decay",
            "Pulls all weights and biases a little toward zero at every update, which favors simpler solutions. AdamW "
            "does so directly, the others through the gradient; 0 turns it off.",
        ),
        Field(
            "accumulate",
            "Gradient accumulation",
            "Number of batches whose gradients are averaged for one update: the effect of a larger batch with the "
            "memory of a small one. 1 updates after every batch.",
        ),
        Field(
            "early_stopping",
            "Early stopping",
            "Ends training after this many epochs without a new lowest validation loss, and keeps the weights of the "
            "epoch with the lowest. 0 turns it off; 3 to 10 is common. Needs validation images.",
        ),
        Field(
            "schedule",
            "Learning-rate schedule",
            "Constant keeps the rate. Cosine lowers it smoothly to 0. One-cycle raises it to the learning rate above, "
            "then lowers it. With both, the rate above is the highest. One-cycle changes the learning rate only: "
            "momentum (and Adam's betas) stay constant, while PyTorch's OneCycleLR also varies them by default.",
            {"constant": "Constant", "cosine": "Cosine to 0", "one-cycle": "One-cycle"},
        ),
        Field(
            "augment",
            "Augmentation",
            "Random small changes to every training image, different in each epoch, so that none can be memorized. "
            "Affine changes rotate, shift and stretch it. Elastic changes also bend it and vary the thickness of its "
            "strokes, like other people's handwriting: best for recognizing drawings, but it takes many epochs.",
            {"none": "None", "affine": "Small affine changes", "elastic": "Elastic, like handwriting"},
        ),
        Field(
            "dataset",
            "Dataset",
            "MNIST holds handwritten digits. Fashion-MNIST holds pieces of clothing in the same format, and is harder.",
            {"mnist": "MNIST", "fashion-mnist": "Fashion-MNIST"},
        ),
        Field(
            "normalize",
            "Normalize",
            "Shifts and scales the pixels to mean 0 and standard deviation 1 over the training set, which often speeds "
            "up learning.",
        ),
        Field(
            "train_size",
            "Training images",
            "Number of images to learn from. With few, overfitting becomes visible. Leave it empty to use all that are "
            "not set aside for validation.",
            placeholder="all",
        ),
        Field(
            "label_noise",
            "Label noise",
            "Fraction of the training labels that are replaced by a random class. Wrong labels can only be memorized.",
        ),
        Field(
            "order",
            "Order of the images",
            "Shuffled again for each epoch, as stored in the file, or sorted by class. Sorted, most batches hold a "
            "single class, and the model forgets the others.",
            {"shuffled": "Shuffled", "stored": "As stored", "by-class": "Sorted by class"},
        ),
        Field(
            "validation",
            "Validation images",
            "Training images set aside to measure, after each epoch, how well the model does on images it does not "
            "learn from. The test images are not used until the end.",
        ),
        Field(
            "seed",
            "Seed",
            "Determines all random numbers: initial weights, order of the images, dropout, noise. The same seed gives "
            "the same run; other seeds show how much of a result is chance.",
        ),
        Field(
            "device",
            "Device",
            "Where the model is trained. Auto uses a GPU if there is one. This affects the speed; the results are "
            "similar, but not identical.",
            {"auto": "Auto", "cpu": "CPU", "cuda": "CUDA", "mps": "Apple MPS"},
        ),
        Field(
            "threads",
            "Threads",
            "CPU threads that share one operation. More may be faster, and change the last bits of the result.",
        ),
    ]
}
