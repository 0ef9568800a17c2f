"""What may be concluded from several runs of several experiments.

- `plan`: what is to be compared, with how many seeds; fixed before the first run. It does without PyTorch.
- `results`: the runs, and what follows from them: `compare`.
- `inference`: the intervals and tests behind it, each with its source.
- `verdict`: what follows, in words.
- `agreement`: on which images two models differ.
- `costs`: how long a model takes to answer.

How many seeds there are is decided beforehand, and a `Plan` keeps that number: a test at 5 % holds for one look at the
end. Adding seeds until a difference appears finds one sooner or later. So a comparison that was cut short
concludes nothing about the architectures, and more seeds are a new comparison with a `Plan` of its own.

Nothing is chosen on the test images: every run counts as it ended, and the models that are compared image by image are
those of the first seed, whatever came out.
"""
