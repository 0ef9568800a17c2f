"""One training step under the microscope: the five calls one by one, and what each of them changes."""

from collections.abc import Sequence

import streamlit as st

from mlpcore.datasets import Dataset, Images
from mlpcore.figures import inside as figures
from mlpcore.inspection import code
from mlpcore.inspection.single_step import SingleStep, single_step
from ui.fields import FIELDS
from ui.glossary import meaning
from ui.inside.address import (
    BATCH,
    BATCHES,
    CALL,
    CALLS,
    FORGET,
    STEP_MODEL,
    STEPS,
    USUAL_STEP_MODEL,
    WHICH_STEP,
    note_address,
)
from ui.inside.batches import batches
from ui.inside.gradients import show_accumulation, show_forgetting, show_optimizers
from ui.inside.numbers import change, in_words
from ui.inside.subjects import Subject, offer_file, pick_subject, use_one_thread
from ui.lessons import lesson
from ui.live_chart import as_json, live_chart
from ui.pictures import ink_on_paper
from ui.show_code import show_code
from ui.texts import texts
from ui.words import a_digit

_SHOWN = 16
_PICTURE_PIXELS = 44

_LINES: dict[figures.Call, str] = {
    "zero_grad": "optimizer.zero_grad()",
    "forward": "logits = model(images)",
    "loss": "loss = loss_function(logits, labels)",
    "backward": "loss.backward()",
    "step": "optimizer.step()",
}


def show_step(dataset: Dataset) -> None:
    """Lets a person choose a model and a batch, and takes one step with them."""
    with st.container(horizontal=True, vertical_alignment="bottom"):
        subject = pick_subject(STEP_MODEL, USUAL_STEP_MODEL)
        if "step" not in lesson().hidden:
            st.segmented_control(
                "Step",
                STEPS,
                key=WHICH_STEP,
                format_func={"first": "The first", "second": "The second"}.__getitem__,
                required=True,
                disabled=lesson().locks("step"),
                persist_state="session",
                help="Before the second step, the gradients of the first are still there. The optimizer starts fresh.",
            )
        if "batch" not in lesson().hidden:
            st.button(
                "Another batch",
                key="inside_next_batch",
                icon=":material/shuffle:",
                disabled=lesson().locks("batch"),
                on_click=_next_batch,
            )
        offer_file(subject, "inside_step_file")
    st.markdown(texts("inside")["step"].format(optimizer=_optimizer(subject)))
    _call_by_call(dataset, subject)
    for name, show in [
        ("forgetting", show_forgetting),
        ("accumulation", show_accumulation),
        ("optimizers", show_optimizers),
    ]:
        if not lesson().locks(name):
            show(subject)


@st.fragment
def _call_by_call(dataset: Dataset, subject: Subject) -> None:
    use_one_thread()
    state = st.session_state
    has_former = state[WHICH_STEP] == "second"
    *former, batch = batches(dataset, state[BATCH], 1 + has_former)
    with st.container(horizontal=True, vertical_alignment="bottom"):
        if "call" not in lesson().hidden:
            _choose_call()
        if "forget" not in lesson().hidden:
            st.toggle(
                "Forget zero_grad",
                key=FORGET,
                disabled=lesson().locks("forget"),
                persist_state="session",
                help="Leaves out the first of the five calls, a common mistake.",
            )
    call: figures.Call = state[CALL]
    step = single_step(subject.model, batch, former[0] if former else None, state[FORGET])
    left, right = st.columns(2, gap="large")
    with left:
        live_chart(
            as_json(figures.who_talks_to_whom(None if call == "zero_grad" and state[FORGET] else call)),
            key="inside_who",
            alt=_who_in_words(call),
            height=230,
        )
    with right:
        st.code(_loop(call, state[FORGET]), language="python")
        st.markdown(texts("inside")[f"call_{call}"])
        if call == "forward" and subject.model.experiment.architecture.batch_norm:
            st.markdown(texts("inside")["call_forward_norm"])
    with st.container(border=True, key="inside_call_panel"):
        _SHOW[call](batch, step)
    show_code(
        code.stepping(subject.model, state[BATCH] + has_former, has_former, state[FORGET]), key="inside_step_code"
    )
    note_address()


def _choose_call() -> None:
    locked = lesson().locks("call")
    st.segmented_control(
        "The five calls",
        CALLS,
        key=CALL,
        format_func=lambda call: f"{CALLS.index(call) + 1} {call}",
        required=True,
        disabled=locked,
        persist_state="session",
    )
    place = CALLS.index(st.session_state[CALL])
    for title, icon, other in [
        ("Back", ":material/chevron_left:", place - 1),
        ("Next call", ":material/chevron_right:", place + 1),
    ]:
        there = other in range(len(CALLS))
        st.button(
            title,
            key=f"inside_call_{title.split()[0].lower()}",
            icon=icon,
            disabled=not there or locked,
            on_click=_go_to_call,
            args=(CALLS[other if there else place],),
        )


def _optimizer(subject: Subject) -> str:
    hyperparameters = subject.model.experiment.hyperparameters
    name = (FIELDS["optimizer"].choices or {})[hyperparameters.optimizer]
    return f"{name}, learning rate {hyperparameters.learning_rate:g}"


def _loop(active: figures.Call, forgets: bool) -> str:
    lines = ["for images, labels in loader:"]
    for call, line in _LINES.items():
        text = f"    # {line}" if call == "zero_grad" and forgets else f"    {line}"
        lines.append(f"{text}  # ← {CALLS.index(call) + 1}" if call == active else text)
    return "\n".join(lines)


def _who_in_words(call: figures.Call) -> str:
    return {
        "zero_grad": "The optimizer clears the gradients that autograd has computed.",
        "forward": "The DataLoader passes images to the model.",
        "loss": "The model passes logits to the loss, and the DataLoader passes the labels.",
        "backward": "The loss passes its value to autograd, which computes the gradients.",
        "step": "The optimizer reads the gradients and updates the model's parameters.",
    }[call]


def _show_zero_grad(batch: Images, step: SingleStep) -> None:
    moments = {
        "before": [layer.gradient_left for layer in step.layers],
        "after zero_grad": [layer.gradient_cleared for layer in step.layers],
    }
    st.markdown("**Norm of each layer's gradient before and after the call**")
    live_chart(
        as_json(figures.gradient_norms(moments)),
        key="inside_zero_grad",
        alt="Norms of the gradients: " + "; ".join(f"{name}: {_listed(values)}" for name, values in moments.items()),
        height=240,
    )
    if all(value is None for value in moments["before"]):
        st.caption(
            "Before the very first `backward`, `.grad` of every parameter is None, so there is nothing to clear."
        )
    elif moments["before"] == moments["after zero_grad"]:
        st.caption("The call is left out, so the gradients of the previous step are still there.")
    else:
        st.caption("The gradients of the previous step are gone: `.grad` of every parameter is None.")


def _show_forward(batch: Images, step: SingleStep) -> None:
    st.markdown(
        f"{len(batch.labels)} images go through the model at once: float32 [{len(batch.labels)}, 1, 28, 28] → logits "
        f"**[{step.logits.shape[0]}, {step.logits.shape[1]}]**, from {in_words(step.logits.min())} to "
        f"{in_words(step.logits.max())}. Below are the first {_SHOWN}, each with its label and the model's answer:"
    )
    answers = step.logits.argmax(axis=1).tolist()
    labels = batch.labels.tolist()
    st.image(
        [ink_on_paper(image, _PICTURE_PIXELS) for image in batch.images[:_SHOWN]],
        width=_PICTURE_PIXELS,
        caption=[f"{label}, {answer}" for label, answer in zip(labels, answers, strict=True)][:_SHOWN],
        alt=[
            f"{a_digit(label).capitalize()}; the model answers {answer}."
            for label, answer in zip(labels, answers, strict=True)
        ][:_SHOWN],
    )
    right = sum(label == answer for label, answer in zip(labels, answers, strict=True))
    st.caption(f"Before the step, {right} of {len(labels)} answers are correct.")


def _show_loss(batch: Images, step: SingleStep) -> None:
    st.metric("Loss of the batch", f"{step.loss:.4f}", width="content", help=meaning("loss", "nat"))
    st.caption(texts("inside")["loss_one_number"].format(size=len(batch.labels)))


def _show_backward(batch: Images, step: SingleStep) -> None:
    left, right = st.columns(2)
    after = [layer.gradient for layer in step.layers]
    moments: dict[str, Sequence[float | None]] = {
        "before": [layer.gradient_cleared for layer in step.layers],
        "after backward": after,
    }
    with left:
        st.markdown("**Norm of each layer's gradient**")
        live_chart(
            as_json(figures.gradient_norms(moments)),
            key="inside_backward_norms",
            alt=f"Norms of the layers' gradients after backward: {_listed(after)}.",
            height=260,
        )
    with right:
        st.markdown("**Distribution of its values**")
        live_chart(
            as_json(figures.gradient_histograms(step.layers)),
            key="inside_histograms",
            alt="Histogram of the gradients of all parameters, one line per layer.",
            height=260,
        )
    st.caption(
        f"{sum(layer.parameters for layer in step.layers):,} parameters and as many gradients. The parameters "
        "themselves have not changed yet."
    )


def _show_step(batch: Images, step: SingleStep) -> None:
    left, right = st.columns([1, 2])
    with left:
        st.metric("Loss before", f"{step.loss:.4f}")
        st.metric(
            "Loss after, same batch",
            f"{step.loss_after:.4f}",
            **change(step.loss_after - step.loss, "+.4f", good="down"),
        )
    with right:
        st.markdown("**How far each layer's parameters moved**")
        live_chart(
            as_json(figures.relative_changes(step.layers)),
            key="inside_changes",
            alt="Change of each layer's parameters as a percentage of their norm.",
            height=240,
        )
    st.caption(
        "The loss on this batch fell. Only the next batches tell whether that helps with other images, too."
        if step.loss_after < step.loss
        else "The loss on this batch did not fall: the step was too large, or it also followed an earlier batch."
    )


_SHOW = {
    "zero_grad": _show_zero_grad,
    "forward": _show_forward,
    "loss": _show_loss,
    "backward": _show_backward,
    "step": _show_step,
}


def _listed(values: Sequence[float | None]) -> str:
    return ", ".join("None" if value is None else f"{value:.3g}" for value in values)


def _next_batch() -> None:
    st.session_state[BATCH] = st.session_state[BATCH] % int(BATCHES.high) + 1


def _go_to_call(call: figures.Call) -> None:
    st.session_state[CALL] = call
