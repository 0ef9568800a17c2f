"""What was trained here before: equal experiments give equal numbers, so nothing needs to be trained twice."""

from mlpcore import runs
from mlpcore.comparison.job import Jobs
from mlpcore.comparison.results import TrainedRun
from mlpcore.experiment import Experiment
from mlpcore.runs import RunQueue, Status


class Known:
    """The finished runs of a queue, whose results are read only when they are asked for, and those of comparisons."""

    def __init__(self, jobs: Jobs, queue: RunQueue | None = None) -> None:
        self._runs = {run.experiment: run for run in (queue or runs.queue).runs() if run.status is Status.FINISHED}
        self._trained = {
            run.experiment: run for job in jobs.all() for batch in job.batches for run in batch.trained if run
        }

    def __contains__(self, experiment: Experiment) -> bool:
        return experiment in self._trained or experiment in self._runs

    def get(self, experiment: Experiment) -> TrainedRun | None:
        """What came out of this experiment; None if it was not trained here, or cannot be read."""
        if trained := self._trained.get(experiment):
            return trained
        run = self._runs.get(experiment)
        result = run.result if run else None
        if not (run and result):
            return None
        history = run.history
        # A run whose history cannot be read has an empty one.
        return TrainedRun.of(experiment, result, history) if history.steps == run.step else None
