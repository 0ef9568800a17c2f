"""When did it learn your digit? A model in training is asked about one drawing again and again."""

from collections.abc import Sequence

import numpy as np
import streamlit as st
from torch import Tensor

from mlpcore import figures, runs
from mlpcore.experiment import CLASSES, TUTORIAL_PRESETS, Experiment
from mlpcore.runs import Run
from mlpcore.snapshots import Look, Watch, largest_weight, most_changed
from ui.data_gate import dataset_ready
from ui.field_inputs import plain
from ui.live_chart import as_json, live_chart
from ui.models import Choice
from ui.pictures import ink_on_paper
from ui.run_monitor import REFRESH_SECONDS, STATUS_BADGES, progress_in_words
from ui.session import my_digits, owner

_RUN = "watched_run"
_PICTURES, _COLUMNS = 24, 8
_PICTURE_PIXELS = 140


def show_watching(image: Tensor | None, choices: Sequence[Choice]) -> None:
    """Offers to train a model that is asked about `image`, uint8 [28, 28], as it trains."""
    if image is None:
        st.info(
            "Draw a digit first. Then train a model here and see when it learns to read it.", icon=":material/draw:"
        )
    else:
        _start(image, choices)
    run = runs.queue.get(st.session_state.get(_RUN, ""))
    if run and isinstance(run.watch, Watch) and run.owner == owner():
        final = run.status.is_final
        st.fragment(_live, run_every=None if final else REFRESH_SECONDS)(run, run.watch, was_final=final)
        if final:
            st.fragment(_stages)(run, run.watch)


def _start(image: Tensor, choices: Sequence[Choice]) -> None:
    kept = my_digits().find(image)
    guess = kept.label if kept else int(choices[0].model.logits(image.unsqueeze(0)).argmax()) if choices else 0
    picture, fields = st.columns([1, 4])
    with picture:
        st.image(
            ink_on_paper(image, _PICTURE_PIXELS), width=_PICTURE_PIXELS, alt="Your drawing as the network sees it."
        )
    with fields:
        experiments = _experiments()
        with st.container(horizontal=True, vertical_alignment="bottom"):
            label = st.selectbox(
                "What it is",
                range(CLASSES),
                index=guess,
                # Another drawing is another question.
                key=f"watch_label_{hash(image.numpy().tobytes())}_{kept.label if kept else ''}",
                width=110,
            )
            title = st.selectbox("Model to train", list(experiments), key="watch_experiment", width=340)
            ready = dataset_ready("mnist")
            pressed = st.button(
                "Train and watch", key="watch_train", type="primary", icon=":material/play_arrow:", disabled=not ready
            )
        st.caption(
            "A new model trains on MNIST, never on your drawing. At about 60 steps, closer together at the start, it "
            "is asked what your drawing is. It replaces the model you watched before."
        )
    if pressed:
        experiment = experiments[title]
        run = runs.queue.submit(experiment, owner(), watch=Watch(image, label, experiment))
        st.session_state[_RUN] = run.id
        st.rerun()


def _experiments() -> dict[str, Experiment]:
    """The tutorial's models, and the one set up on the Train page, if that learns digits."""
    offered = {preset.architecture.title: preset for preset in TUTORIAL_PRESETS.values()}
    form: Experiment | None = st.session_state.get("last_experiment")
    if form and form.data.dataset == "mnist" and form not in offered.values():
        offered[f"Train page: {form.architecture.title}"] = form
    return offered


def _live(run: Run, watch: Watch, *, was_final: bool) -> None:
    if run.status.is_final and not was_final:
        st.rerun()
    with st.container(horizontal=True, vertical_alignment="center"):
        st.subheader(plain(run.title), width="content", anchor=False)
        icon, color = STATUS_BADGES[run.status]
        st.badge(run.status, icon=icon, color=color)
        if not was_final:
            st.button("Stop", key="watch_stop", icon=":material/stop:", on_click=runs.queue.stop, args=(run,))
    st.progress(run.progress, text=progress_in_words(run))
    if run.error:
        st.error(run.error, icon=":material/error:")
    looks = list(watch.looks)
    if not looks or not run.step:
        st.caption("The curves start with the first step.")
        return
    steps, answers = np.array([look.step for look in looks]), np.array([look.probabilities for look in looks])
    total, color_of_run = run.experiment.total_steps, figures.run_color(run.number)
    left, right = st.columns(2)
    with left:
        st.markdown(f"**Its answer to your {watch.label}**")
        live_chart(
            as_json(figures.learned_curve(steps, answers, watch.label, total, color_of_run)),
            key=f"learned_curve_{run.id}",
            alt=f"Line chart: probability of {watch.label} for the drawing against training step.",
            height=300,
        )
    with right:
        st.markdown("**Training loss per step**")
        live_chart(
            as_json(figures.loss_per_step(run.history, total, smoothing=0.0, log=False, color=color_of_run)),
            key=f"watched_loss_{run.id}",
            alt="Line chart: training loss against step.",
            height=300,
        )
    st.markdown(_in_words(looks, watch.label))


def _in_words(looks: list[Look], label: int) -> str:
    """Since which step the model has read the drawing as `label` every time it was asked."""
    right = [int(look.probabilities.argmax()) == label for look in looks]
    last = looks[-1]
    share = figures.probability_in_words(float(last.probabilities[label]))
    now = f"After step {last.step:,} it gives {label} a probability of {share}."
    if not right[-1]:
        return f"{now} It reads a **{int(last.probabilities.argmax())}**."
    since = len(right) - 1 - next((back for back, each in enumerate(reversed(right)) if not each), len(right))
    first = looks[since + 1]
    if first.step == 0:
        return f"{now} It answered {label} from the start, before any training: that was luck."
    return f"{now} It has answered **{label}** every time since step {first.step:,}."


def _stages(run: Run, watch: Watch) -> None:
    snapshots = {look.step: (look, layer) for look, layer in watch.snapshots}
    if len(snapshots) < 2:
        return
    st.subheader("Step through the training", anchor=False)
    step = st.select_slider(
        "Training step",
        list(snapshots),
        value=next(reversed(snapshots)),
        key=f"stage_{run.id}",
        format_func=lambda step: f"{step:,}",
        help="You can also use the arrow keys.",
    )
    look, layer = snapshots[step]
    answer = int(look.probabilities.argmax())
    left, right = st.columns([1, 2])
    with left:
        with st.container(horizontal=True, vertical_alignment="center"):
            st.image(ink_on_paper(watch.image, 84), width=84, alt="The drawing that the model was asked about.")
            st.metric(
                f"After step {step:,}",
                f"{answer} · {figures.probability_in_words(float(look.probabilities[answer]))}",
                width="content",
            )
        live_chart(
            as_json(figures.answer_bars(look.probabilities, figures.run_color(run.number), list("0123456789"))),
            key=f"stage_bars_{run.id}",
            alt=f"Bar chart: probability of each digit after step {step}; most to {answer}.",
            height=250,
        )
    with right:
        chosen = most_changed(watch, _PICTURES)
        st.markdown(
            f"**First-layer weights of the {len(chosen)} neurons that changed most**",
            help="Each picture shows the 784 weights of one neuron, each at its pixel: ink on orange raises the "
            "neuron's weighted sum, ink on blue lowers it. The color scale is the same for all steps.",
        )
        live_chart(
            as_json(figures.weight_pictures(layer.pictures(chosen), _COLUMNS, largest_weight(watch, chosen))),
            key=f"stage_weights_{run.id}",
            alt=f"The weights of {len(chosen)} first-layer neurons as pictures after step {step}.",
            height=300,
        )
