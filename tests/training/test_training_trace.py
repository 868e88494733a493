"""Traces in a training configuration: paths, and mappings with a format and the replay as recorded."""

import pytest
import yaml

from odc_gym.errors import RunError
from odc_gym.training.config import dump, load
from odc_gym.workload import as_trace


@pytest.fixture
def jobs(tmp_path):
    path = tmp_path / "jobs.csv"
    path.write_text("arrival_s,duration_s,accelerators\n0,60,1\n30,60,2\n")
    return str(path)


def test_a_trace_with_options_reaches_the_environments_and_the_file_of_the_run(jobs):
    config = load("ppo", {"env.trace": {"path": jobs, "format": "jobs", "as_is": True}})
    written = yaml.safe_load(dump(config))["env"]["trace"]
    for source in (config.env.model_dump()["trace"], written):
        trace = as_trace(source)
        assert trace.as_is and trace.jobs["finetuning"].submit_s.tolist() == [0, 30]
    assert not as_trace(load("ppo", {"env.trace": jobs}).env.model_dump()["trace"]).as_is
    assert load("ppo").env.trace is None


@pytest.mark.parametrize(
    ("trace", "said"),
    [
        (["a.csv", {"path": "b.csv", "as_is": True}], "trace: as_is must be the same for all files"),
        ({"path": "a.csv", "asis": True}, "env.trace.0.asis: unknown key; did you mean as_is?"),
        ({"path": "a.csv", "as_is": "yes"}, "env.trace.0.as_is = yes: must be true or false"),
        (5, "env.trace.0 = 5: must be a mapping"),
    ],
)
def test_wrong_traces_are_told_in_one_line(trace, said):
    with pytest.raises(RunError) as caught:
        load("ppo", {"env.trace": trace})
    assert said in str(caught.value) and "\n" not in str(caught.value)
