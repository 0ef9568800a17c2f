"""Results that can be used again: equal experiments give equal numbers on equal versions and hardware."""

from mlpcore import runs
from mlpcore.comparison.job import Jobs
from mlpcore.comparison.results import TrainedRun
from mlpcore.experiment import Experiment
from mlpcore.provenance import made_by
from mlpcore.runs import RunQueue, Status


class ResultCache:
    """The results of earlier comparisons in this process, and of a queue's finished runs, read when asked for.

    A stored run counts only if what made it is known and the same as here, see `made_by`: other versions or another
    processor may have given it other numbers.
    """

    def __init__(self, jobs: Jobs, queue: RunQueue | None = None) -> None:
        self._runs = {
            run.experiment: run
            for run in (queue or runs.queue).runs()
            if run.status is Status.FINISHED and run.made_by == made_by()
        }
        self._trained = {
            run.experiment: run for job in jobs.all() for batch in job.batches for run in batch.trained if run
        }

    def __contains__(self, experiment: Experiment) -> bool:
        return experiment in self._trained or experiment in self._runs

    def get(self, experiment: Experiment) -> TrainedRun | None:
        """The result of this experiment; None if there is none, or if it cannot be read."""
        if trained := self._trained.get(experiment):
            return trained
        run = self._runs.get(experiment)
        result = run.result if run else None
        if not (run and result):
            return None
        history = run.history
        # A run whose history cannot be read has an empty one.
        return TrainedRun.of(experiment, result, history) if history.steps == run.step else None
