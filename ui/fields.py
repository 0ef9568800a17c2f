"""The fields of an experiment on screen: what each is called, and what it does to learning."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Field:
    """One field of the form; `choices` maps the experiment's values to words, None means a number is typed."""

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
            "Turns gradients into changes of the weights. Adam gives every weight a step size of its own, so it is "
            "less picky about the learning rate than plain gradient descent (SGD).",
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
            "How far each update moves the weights. Too small: it learns slowly. Too large: the loss jumps about or "
            "explodes.",
        ),
        Field(
            "batch_size",
            "Batch size",
            "Images per step. Small batches give many noisy updates, large ones few steady updates. The word full "
            "takes all training images at once.",
        ),
        Field(
            "epochs",
            "Epochs",
            "How often the model sees every training image. More epochs fit the training images better, in the end "
            "by memorising them.",
        ),
        Field(
            "activation",
            "Activation",
            "The bend after each hidden layer's weighted sums. Without it any number of layers could do no more than "
            "one.",
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
            "Share of each hidden layer that is switched off at random in every training step, so that no neuron can "
            "rely on a single other one. Works against overfitting; 0 is off.",
        ),
        Field(
            "batch_norm",
            "Batch norm",
            "Brings each neuron's sums to mean 0 and spread 1 within a batch and lets the network scale and shift them "
            "again, which allows larger learning rates and makes deep models easier to train.",
        ),
        Field(
            "weight_decay",
            "Weight decay",
            "Pulls all weights and biases a little towards zero at every update, which favours simpler solutions. "
            "AdamW does so directly, the others through the gradient; 0 is off.",
        ),
        Field(
            "accumulate",
            "Gradient accumulation",
            "Batches whose gradients are averaged before one update: the effect of a larger batch in the memory of a "
            "small one.",
        ),
        Field(
            "early_stopping",
            "Early stopping",
            "Ends training once the validation loss has found no new lowest value for so many epochs, and takes the "
            "weights that had the lowest: what came after was memorising. 0 is off; 3 to 10 are usual.",
        ),
        Field(
            "schedule",
            "Learning-rate schedule",
            "Constant keeps the rate. Cosine lowers it smoothly to 0. One-cycle warms up to the rate, then cools "
            "down. For the last two, the rate above is the highest.",
            {"constant": "Constant", "cosine": "Cosine to 0", "one-cycle": "One-cycle"},
        ),
        Field(
            "augment",
            "Augmentation",
            "Changes every training image a little and anew in each epoch, so that none can be learned by heart. "
            "Affine changes turn, shift and stretch it. Elastic ones also bend it and change the thickness of its "
            "strokes, as other hands and pens would: best for recognising drawings, after many epochs.",
            {"none": "None", "affine": "Small affine changes", "elastic": "Elastic, as pens do"},
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
            "Shifts and scales the pixels to mean 0 and standard deviation 1 over the training set, which often "
            "speeds up learning.",
        ),
        Field(
            "train_size",
            "Training images",
            "How many images to learn from. Fewer make overfitting visible. Empty means all that validation leaves.",
            placeholder="all",
        ),
        Field(
            "label_noise",
            "Label noise",
            "Share of the training labels replaced by a random class, from 0 to 1: wrong labels can only be memorised.",
        ),
        Field(
            "order",
            "Order of the images",
            "Shuffled anew in each epoch, always as stored in the file, or sorted by class: then each batch holds "
            "one class only, and the model forgets the others.",
            {"shuffled": "Shuffled", "stored": "As stored", "by-class": "Sorted by class"},
        ),
        Field(
            "validation",
            "Validation images",
            "Training images set aside to watch how well the model does on images it does not learn from. The test "
            "images stay untouched until the end.",
        ),
        Field(
            "seed",
            "Seed",
            "Where all chance starts: initial weights, order, dropout, noise. The same seed gives the same run, "
            "another seed shows how much of a result is luck.",
        ),
        Field(
            "device",
            "Device",
            "Where the arithmetic happens; auto takes a graphics processor if there is one. It hardly changes what "
            "is learned, only how fast.",
            {"auto": "Auto", "cpu": "CPU", "cuda": "CUDA", "mps": "Apple MPS"},
        ),
        Field(
            "threads",
            "Threads",
            "Processor cores that share one operation. More may be faster, and change the last bits of the result.",
        ),
    ]
}
