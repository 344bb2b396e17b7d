import importlib.util
import json
import os
import sys

import keras
import numpy as np
import pytest
import tensorflow as tf

from kpconvx_compat.benchmark import __main__ as command
from kpconvx_compat.benchmark import contenders, field, machine, measure, placement, plots, prepare, processes, rounds, starts, table
from kpconvx_compat.benchmark import workload as workloads

TINY = workloads.WORKLOADS["tiny"]
PLAN = field.Plan(frozenset({min(os.sched_getaffinity(0))}), warm_up=0.05, seconds=0.05)


class Fake:
    """Measures what it was told to, round after round: a list of times, or an error."""

    def __init__(self, *answers, busy=1.0):
        self.title, self.answers, self.busy, self.turns = "fake", list(answers), busy, 0

    def measure(self, directories, plan):
        answer = self.answers[self.turns]
        self.turns += 1
        if isinstance(answer, Exception):
            raise answer
        return field.Measured({directory.name: answer for directory in directories}, self.busy)


@pytest.fixture(scope="module")
def prepared(tmp_path_factory):
    target = tmp_path_factory.mktemp("benchmark")
    prepare.prepare([TINY], target)
    return target


def test_neighbours_are_the_nearest_and_none_is_near_a_tie():
    inputs = TINY.inputs()
    assert {key: value.shape for key, value in inputs.items()} == {"X": (2, 128, 3), "F": (2, 128, 16), "N": (2, 128, 8)}
    for x, n in zip(inputs["X"].astype(np.float64), inputs["N"]):
        distances = np.linalg.norm(x[:, None] - x, axis=-1)
        np.testing.assert_array_equal(n[:, 0], np.arange(128))
        np.testing.assert_array_equal(
            np.take_along_axis(distances, n, axis=1), np.sort(distances, axis=1)[:, :8]
        )
        q = workloads.kernel_points()
        to_kernel = np.sort(np.linalg.norm((x[n] - x[:, None])[:, :, None] - q, axis=-1), axis=-1)
        assert (to_kernel[..., 1] - to_kernel[..., 0]).min() >= workloads.LEAST_MARGIN


def test_a_ball_as_large_as_the_kernel_holds_as_many_points_as_there_are_neighbours():
    x = workloads.S.inputs()["X"][0].astype(np.float64)
    inner = ((x > 1.0) & (x < x.max() - 1.0)).all(axis=1)
    counts = [(np.linalg.norm(x - centre, axis=1) <= 1.0).sum() for centre in x[inner][:200]]
    assert np.mean(counts) == pytest.approx(16 + 1, rel=0.1)  # and the centre itself


def test_points_near_a_tie_are_drawn_anew(monkeypatch):
    monkeypatch.setattr(workloads, "LEAST_MARGIN", 2e-3)
    inputs = TINY.inputs()
    q = workloads.kernel_points()
    assert min(workloads.margins(q, x, n).min() for x, n in zip(inputs["X"], inputs["N"])) >= 2e-3
    monkeypatch.setattr(workloads, "LEAST_MARGIN", 10.0)
    with pytest.raises(ValueError, match="tiny: no cloud without near ties"):
        TINY.inputs()


def test_the_same_seed_draws_the_same_and_statistics_are_not_those_of_a_new_layer():
    first, second = TINY.weights(), TINY.weights()
    assert all(np.array_equal(first[name], second[name]) for name in first)
    for name in ("bn_phi", "bn_htilde", "bn_hhat"):
        assert all(np.std(first[f"{name}/{key}"]) > 0.1 for key in workloads.NORMALIZATION)


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"points": 0}, "points must be an integer >= 1; found 0"),
        ({"neighbours": 9, "points": 8}, "at most points=8; found 9"),
        ({"features": 12}, "multiple of 8, the channels of a group; found 12"),
    ],
)
def test_a_workload_out_of_bounds_is_an_error(changed, message):
    sizes = {"batch": 1, "points": 8, "neighbours": 4, "features": 8, "hidden": 8, **changed}
    with pytest.raises(ValueError, match=message):
        workloads.Workload("w", **sizes)


def test_every_series_holds_s_and_differs_from_it_in_one_size_only():
    for symbol, (attribute, values) in workloads.SERIES.items():
        found = workloads.series(symbol)
        assert list(found) == list(values) and workloads.S in found.values()
        for value, workload in found.items():
            differing = {
                key for key, size in workload.description().items() if size != workloads.S.description()[key]
            }
            assert getattr(workload, attribute) == value
            assert differing == (set() if workload is workloads.S else {"name", attribute})


@pytest.mark.parametrize("name", ["keras", "keras-direct", "keras-xla", "floor"])
def test_the_contenders_of_keras_agree_with_the_oracle(prepared, name):
    loaded = contenders.LOADERS[name](prepared / "tiny")
    assert loaded.disagreement(loaded.run()) is None
    assert min(measure.measure(loaded, 0.0, 0.0)) > 0


def test_the_direct_form_is_the_reference_layer_on_another_shape_than_it_was_prepared_for():
    other = workloads.Workload("other", 1, 40, 5, 16, 32, seed=9)
    weights, inputs = other.weights(), other.inputs()
    norms = {name: contenders._normalization(keras, weights, name) for name in ("bn_phi", "bn_htilde", "bn_hhat")}
    given = [tf.constant(inputs[key]) for key in "XFN"]
    tensors = {name: tf.constant(value) for name, value in weights.items()}
    found = contenders.direct(tensors, norms, keras.layers.LeakyReLU(workloads.SLOPE), *given)
    np.testing.assert_allclose(found, prepare.keras_model(other, weights)(given), atol=1e-5)


@pytest.mark.parametrize(("name", "module"), [("torch", "torch"), ("torch-compiled", "torch"), ("onnxruntime", "onnxruntime")])
def test_the_other_engines_agree_with_the_oracle_in_processes_of_their_own(prepared, name, module, tmp_path):
    if importlib.util.find_spec(module) is None:
        pytest.skip(f"{module} is in the environment `benchmark` only")
    plan = field.Plan(PLAN.processors, 0.0, 0.0, cache=tmp_path)
    times = field.contenders(prepared)[name].measure([prepared / "tiny"], plan).times["tiny"]
    assert len(times) == measure.LEAST_RUNS and min(times) > 0


def test_a_wrong_answer_is_not_timed(prepared, capsys, monkeypatch):
    def wrong(directory):
        loaded = contenders._floor(directory)
        return contenders.Loaded(lambda: loaded.right[1] + 1e-3, loaded.right[1])

    monkeypatch.setitem(contenders.LOADERS, "keras", wrong)
    assert measure.main(["keras", str(prepared / "tiny")]) == 1
    output = capsys.readouterr()
    assert output.out == ""
    assert "tiny: ValueError: " in output.err and "differ from the oracle by more than 0.0001" in output.err


def test_disagreement_finds_what_is_wrong():
    right = np.array([[1.0, -20.0]])
    assert workloads.disagreement(right + [[0.9e-4, -1.9e-3]], right) is None
    assert "1 of 2 elements" in workloads.disagreement(right + [[1.1e-4, 0]], right)
    assert "at [0, 1] found -20.01" in workloads.disagreement(right + [[2e-4, -0.01]], right)
    assert "found nan" in workloads.disagreement(np.array([[1.0, np.nan]]), right)
    assert "shape (2,), expected (1, 2)" in workloads.disagreement(right[0], right)


def test_a_folder_is_prepared_once_and_anew_when_its_workload_changes(prepared, tmp_path):
    said = []
    prepare.prepare([TINY], prepared, said.append)
    assert not any(line.startswith("preparing") for line in said)
    small = workloads.Workload("small", 1, 20, 4, 8, 8)
    prepare.prepare([small], tmp_path)
    prepare.prepare([workloads.Workload("small", 1, 24, 4, 8, 8)], tmp_path, said.append)
    assert "preparing small" in said
    assert np.load(tmp_path / "small" / "outputs.npz")["output_0"].shape == (1, 24, 8)


def test_the_saved_model_of_a_workload_takes_inputs_by_name(prepared):
    _, _, inputs, right = workloads.read(prepared / "tiny")
    signature = tf.saved_model.load(prepared / "tiny" / "model").signatures["serving_default"]
    (answer,) = signature(**{name: tf.constant(value) for name, value in inputs.items()}).values()
    assert workloads.disagreement(answer.numpy(), right) is None


def test_figures_are_medians_of_medians_and_ratios_are_taken_within_rounds():
    slow = {"times_ms": {"w": [[10, 12, 99], [20, 24, 30], [10, 11, 12]]}}
    fast = {"times_ms": {"w": [[3, 3, 3], [6, 6, 6], [11, 11, 11]]}}
    assert rounds.per_round(slow, "w") == [12, 24, 11]
    assert rounds.figure(slow, "w") == 12
    assert rounds.ratio(slow, fast, "w") == 4
    assert rounds.figure({"reason": "x"}, "w") is None
    assert rounds.ratio(slow, {"reason": "x"}, "w") is None


def test_contenders_take_turns_and_one_that_fails_is_out(tmp_path):
    order = []
    good, missing = Fake([2.0, 1.0, 3.0], [4.0]), Fake(field.NotRun("no torch"))
    broken, greedy = Fake([1.0], RuntimeError("boom")), Fake([1.0], busy=1.9)
    field_of_four = {"good": good, "missing": missing, "broken": broken, "greedy": greedy}
    found = rounds.take_turns(field_of_four, [tmp_path / "w"], PLAN, 2, order.append)
    assert found["good"] == {
        "title": "fake",
        "times_ms": {"w": [[2.0, 1.0, 3.0], [4.0]]},
        "busy": [1.0, 1.0],
        "distance": [None, None],
        "far": [False, False],
        "attempts": [1, 1],
    }
    assert found["missing"] == {"title": "fake", "reason": "not run: no torch"}
    assert found["broken"]["reason"] == "failed: boom" and "times_ms" not in found["broken"]
    assert found["greedy"]["reason"] == "failed: kept 1.90 processors busy, though it may use 1"
    assert [line.split(": ")[1] for line in order] == ["good", "missing", "broken", "greedy", "good", "broken"]
    with pytest.raises(ValueError, match="rounds must be >= 1; found 0"):
        rounds.take_turns({}, [], PLAN, 0)


def test_a_turn_is_taken_again_while_processors_are_far_apart(tmp_path):
    waits = []

    def turns(distances, *answers):
        measure = iter(distances)
        watched = placement.Placement(lambda: next(measure), waits.append)
        found = rounds.take_turns({"it": Fake(*answers)}, [tmp_path / "w"], PLAN, 1, placement=watched)
        assert next(measure, None) is None
        return found

    found = turns([100, 120], [1.0])
    assert found["it"]["times_ms"] == {"w": [[1.0]]} and found["it"]["distance"] == [120] and not waits
    # It begins far and waits, ends far and is taken again.
    found = turns([90, 300, 280, 100, 110], [1.0], [2.0])
    assert found["it"]["times_ms"] == {"w": [[2.0]]} and found["it"]["attempts"] == [2]
    assert waits == [placement.POLL] and found["it"]["far"] == [False]
    assert rounds.placements(found) == (
        "A message between the processors and back took from 110 to 110 ns; of 1 turns 1 were taken again as they were far"
        " apart, and 0 count although they were.\n"
    )
    found = turns([100, 500, 100, 500], [1.0], [2.0])
    assert found["it"]["times_ms"] == {"w": [[2.0]]} and found["it"]["far"] == [True] and found["it"]["distance"] == [500]


def test_waiting_for_processors_ends():
    distances = iter([100] + [900] * 99)
    waits = []
    watched = placement.Placement(lambda: next(distances), waits.append)
    assert watched.settle() == 100
    assert watched.settle() == 900 and sum(waits) == placement.PATIENCE
    alone = placement.Placement(lambda: None, waits.append)
    assert alone.settle() is None and not alone.far(None)


def test_messages_between_processors_are_timed():
    processors = os.sched_getaffinity(0)
    assert placement.message_ns({min(processors)}) is None
    if len(processors) > 1:
        assert 10 < placement.message_ns(processors) < 1e6
    assert os.sched_getaffinity(0) == processors


def test_the_table_has_a_row_for_each_contender_also_for_those_that_did_not_run():
    results = {
        "keras": {"title": "reference", "times_ms": {"tiny": [[50.0], [60.0]]}},
        "quick": {"title": "quick one", "times_ms": {"tiny": [[25.0], [15.0]]}},
        "gone": {"title": "gone one", "reason": "not run: a | b"},
    }
    lines = table.workload_table(TINY.description(), results).splitlines()
    assert lines[0] == "### tiny: B=2 R=128 κ=8 D=16 DH=32"
    cells = [[cell.strip() for cell in line.strip("|").split(" | ")] for line in lines[4:]]
    assert cells[0] == ["`quick`", "quick one", "20", "15 to 25", "78.1", "0.38", "–", "–", "–", "–"]
    assert cells[1][:6] == ["`keras`", "reference", "55", "50 to 60", "215", "1.00"]
    assert cells[2][:3] == ["`gone`", "gone one", "not run: a \\| b"]


def test_the_command_writes_its_results(prepared, capsys):
    field_of_two = {"keras": Fake([2.0], [2.0]), "other": Fake(field.NotRun("why"))}
    arguments = ["--target", str(prepared), "--workloads", "tiny", "--rounds", "2", "--threads", "one"]
    assert command.main(arguments, lambda target: field_of_two) == 0
    found = json.loads((prepared / "results.json").read_text())
    assert found["threads"] == 1 and found["machine"]["packages"]["keras"] == keras.__version__
    assert found["workloads"]["tiny"]["results"]["keras"]["times_ms"] == {"tiny": [[2.0], [2.0]]}
    text = (prepared / "results.md").read_text()
    assert "| `other` | fake | not run: why |" in text and text in capsys.readouterr().out
    assert not list(prepared.glob("*.partial")) and not list(prepared.glob(".*"))


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--workloads", "S,U"], "unknown workload 'U'; known are S, T, M, tiny"),
        (["--contenders", "theano"], "unknown contender 'theano'; known are keras"),
        (["--series", "G"], "unknown series 'G'; known are R, kappa, D, B"),
        (["--rounds", "0"], "--rounds must be >= 1; found 0"),
        (["--seconds", "0"], "--seconds must be > 0; found 0"),
        (["--warm-up", "-1"], "--warm-up must be > 0; found -1"),
    ],
)
def test_bad_usage_is_named(arguments, message, tmp_path, capsys):
    with pytest.raises(SystemExit) as stopped:
        command.main(["--target", str(tmp_path / "new"), *arguments])
    assert stopped.value.code == 2 and message in capsys.readouterr().err
    assert not (tmp_path / "new").exists()


def test_a_missing_class_path_and_a_missing_module_are_told(tmp_path):
    java = field.contenders(tmp_path)["java-folded"]
    with pytest.raises(field.NotRun, match="classpath.txt is missing; README"):
        java.measure([tmp_path], PLAN)
    with pytest.raises(field.NotRun, match="no_such_module not installed"):
        field.PythonContender("keras", "", ("no_such_module",)).measure([tmp_path], PLAN)


def test_jmh_results_are_read(tmp_path, monkeypatch):
    (tmp_path / "classpath.txt").write_text("a.jar:b.jar\n")

    def jmh(command, processors, timeout, environment, folder):
        assert command[:6] == ["java", *field.JAVACPP, "-cp", "a.jar:b.jar", "org.openjdk.jmh.Main"]
        assert f"workload={tmp_path / 'w'}" in command and "contender=folded" in command
        histogram = [[[[3.0, 2], [4.0, 1]], [[5.0, 1]]]]  # of a fork: for each iteration, times and how many runs took them
        result = {"params": {"workload": str(tmp_path / "w")}, "primaryMetric": {"rawDataHistogram": histogram}}
        command[command.index("-rff") + 1].write_text(json.dumps([result]))
        return processes.Finished(0, "", "", 2.0, 3.0)

    monkeypatch.setattr(field, "run", jmh)
    measured = field.contenders(tmp_path)["java-folded"].measure([tmp_path / "w"], PLAN)
    assert measured == field.Measured({"w": [3.0, 3.0, 4.0, 5.0]}, 1.5)
    monkeypatch.setattr(field, "run", lambda *_: processes.Finished(1, "# JMH\n", "AssertionError: wrong\n  at X\n", 2, 1))
    with pytest.raises(RuntimeError, match="AssertionError: wrong"):
        field.contenders(tmp_path)["java-folded"].measure([tmp_path / "w"], PLAN)


def test_a_process_is_kept_to_its_processors_and_is_killed_in_time():
    spin = "import os, time; print(len(os.sched_getaffinity(0)))\nwhile time.process_time() < 0.3: pass"
    finished = processes.run([sys.executable, "-c", spin], PLAN.processors, 20)
    assert finished.status == 0 and finished.output == "1\n" and finished.processor_seconds > 0.29
    assert finished.busy < rounds.BUSY_SLACK
    killed = processes.run([sys.executable, "-c", "import time; time.sleep(60)"], PLAN.processors, 0.3)
    assert killed.status == -9 and killed.seconds < 20


def test_a_cold_start_in_python_is_measured(prepared):
    every = starts.cold_starts(prepared / "tiny", prepared)
    chosen = [start for start in every if start.name in ("python-savedmodel", "java-folded")]
    found = starts.take_turns(chosen, PLAN, 1)
    times = found["python-savedmodel"]
    assert times["since_start_ms"] > times["load_ms"] + times["first_answer_ms"] > 0
    assert found["java-folded"]["reason"].startswith("not run: ")


@pytest.mark.parametrize("symbol", ["R", "kappa", "D", "B"])
def test_a_picture_has_a_line_for_each_contender_with_times(symbol, tmp_path):
    works = workloads.series(symbol)
    found = {
        "one": {"times_ms": {work.name: [[0.001 * work.all_points]] for work in works.values()}},
        "none": {"reason": "not run"},
    }
    plots.plot(symbol, works, found, tmp_path / "a.svg")
    assert (tmp_path / "a.svg").read_text().startswith("<?xml")
    assert [path.name for path in tmp_path.iterdir()] == ["a.svg"]
    with pytest.raises(ValueError, match="no contender has times"):
        plots.plot(symbol, works, {"none": found["none"]}, tmp_path / "b.svg")


def test_the_machine_is_described(tmp_path):
    (tmp_path / "classpath.txt").write_text("/x/classes:/x/jmh-core-1.jar\n")
    found = machine.describe([tmp_path / "classpath.txt", tmp_path / "none.txt"])
    assert found["jars"] == ["jmh-core-1.jar"] and found["cores"] == os.cpu_count() and found["processor"]
