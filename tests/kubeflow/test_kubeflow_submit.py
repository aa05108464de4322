"""Starting runs on Kubeflow and following them to their end."""

import pytest
import yaml

from tests.kubeflow.kubeflow_state import Look

STUDY = "study=https://git.example/discs"
FETCHED, LOOP = ("fetch-study", "SUCCEEDED"), ("for-loop-1", "RUNNING")


def list_posts(kubeflow, path):
    return [exchange.body for exchange in kubeflow.exchanges if exchange.method == "POST" and exchange.path == path]


@pytest.fixture
def submit(kubeflow, run_command):
    def call(*arguments, name="rater-bias", host=None):
        limits = {"--timeout": "5", "--interval": "0.02"}
        defaults = [text for option, value in limits.items() if option not in arguments for text in (option, value)]
        return run_command("submit", name, "--host", host or kubeflow.address, *defaults, *arguments)

    return call


def test_a_run_holds_the_package_and_the_typed_values(kubeflow, submit, packages):
    code, _, errors = submit("--set", STUDY, "folds=5", "classifier=false", "mix_ratios=")
    (run,) = list_posts(kubeflow, "/apis/v2beta1/runs")
    assert (code, errors) == (0, "")
    spec, platform = yaml.safe_load_all((packages / "rater-bias.yaml").read_text())
    assert run["pipeline_spec"] == {"pipeline_spec": spec, "platform_spec": platform}
    assert run["runtime_config"]["parameters"] == {
        "study": "https://git.example/discs",
        "folds": 5,
        "classifier": False,
        "mix_ratios": "",
    }
    assert run["display_name"].startswith("rater-bias 20")


def test_a_package_without_settings_of_the_platform_goes_as_it_is(kubeflow, submit, packages):
    path = packages / "rater-bias.yaml"
    spec, _ = yaml.safe_load_all(path.read_text())
    path.write_text(yaml.safe_dump(spec))
    assert submit("--set", STUDY)[0] == 0
    (run,) = list_posts(kubeflow, "/apis/v2beta1/runs")
    assert run["pipeline_spec"] == spec


@pytest.mark.parametrize(
    ("arguments", "page"),
    [
        ((), "{host}/#/runs/details/run-2"),
        (("--ui-host", "https://ui.example/"), "https://ui.example/#/runs/details/run-2"),
    ],
)
def test_the_address_of_the_run_is_printed(kubeflow, submit, arguments, page):
    assert submit("--set", STUDY, *arguments)[1].splitlines() == [page.format(host=kubeflow.address)]


@pytest.mark.parametrize("slash", ["", "/"])
def test_a_path_in_front_of_kubeflow_is_kept_in_requests_and_links(kubeflow, submit, slash):
    kubeflow.prefix = "/pipeline"
    code, output, _ = submit("--set", STUDY, host=kubeflow.address + slash)
    assert code == 0
    assert output == f"{kubeflow.origin}/pipeline/#/runs/details/run-2\n"


def test_the_experiment_is_made_once(kubeflow, submit):
    assert [submit("--set", STUDY, "--experiment", "Raters")[0] for _ in range(2)] == [0, 0]
    assert list_posts(kubeflow, "/apis/v2beta1/experiments") == [{"display_name": "Raters"}]
    assert {run["experiment_id"] for run in kubeflow.state.runs} == {"experiment-1"}


def test_an_experiment_is_found_on_a_later_page(kubeflow, submit):
    kubeflow.state.largest_page = 1
    for number, name in enumerate(["RATERS", "raters", "Raters"]):
        kubeflow.state.experiments.append({"experiment_id": f"e{number}", "display_name": name})
    assert submit("--set", STUDY, "--experiment", "Raters")[0] == 0
    assert [run["experiment_id"] for run in kubeflow.state.runs] == ["e2"]
    lists = [exchange for exchange in kubeflow.exchanges if exchange.method == "GET"]
    assert [exchange.query["page_token"] for exchange in lists] == [[""], ["from-1"], ["from-2"]]


def test_a_namespace_owns_experiment_and_run(kubeflow, submit):
    kubeflow.state.namespaces = ("team-a", "team-b")
    assert submit("--set", STUDY, "--namespace", "team-b")[0] == 0
    assert list_posts(kubeflow, "/apis/v2beta1/experiments") == [{"display_name": "Overread", "namespace": "team-b"}]


def test_waiting_shows_each_change_once_and_ends_well(kubeflow, submit):
    kubeflow.state.looks.extend(
        [
            Look("PENDING"),
            Look("RUNNING", [("fetch-study", "RUNNING")]),
            Look("RUNNING", [("fetch-study", "RUNNING")]),
            Look("RUNNING", [FETCHED, LOOP, ("train-networks", "RUNNING")]),
            Look("RUNNING", [FETCHED, LOOP, ("train-networks", "SUCCEEDED"), ("train-networks", "RUNNING")]),
            Look("SUCCEEDED", [FETCHED, LOOP, ("train-networks", "SUCCEEDED"), ("train-networks", "SUCCEEDED")]),
        ]
    )
    code, output, _ = submit("--set", STUDY, "--wait")
    assert code == 0
    assert output.splitlines()[1:] == [
        "run: pending",
        "run: running",
        "  Fetch study: running",
        "  Fetch study: succeeded",
        "  Train networks: running",
        "  Train networks: succeeded",
        "  Train networks (2): running",
        "  Train networks (2): succeeded",
        "run: succeeded",
    ]


@pytest.mark.parametrize(
    ("look", "message"),
    [
        (
            Look("FAILED", [FETCHED, ("for-loop-1", "FAILED"), ("train-networks", "FAILED", "OOMKilled")]),
            "ended as failed\n- Train networks (OOMKilled)\n",
        ),
        (Look("FAILED", [FETCHED]), "ended as failed\n- root\n"),
        (Look("CANCELED", [FETCHED]), "ended as canceled\n"),
    ],
)
def test_a_run_that_fails_names_the_task_and_ends_with_code_1(kubeflow, submit, look, message):
    kubeflow.state.looks.extend([Look("RUNNING"), look])
    code, _, errors = submit("--set", STUDY, "--wait")
    assert code == 1
    assert errors.startswith("error: the run 'rater-bias 20")
    assert errors.endswith(message)


def test_without_waiting_no_look_is_taken(kubeflow, submit):
    kubeflow.state.looks.append(Look("FAILED"))
    assert submit("--set", STUDY)[0] == 0
    assert not [exchange for exchange in kubeflow.exchanges if "/runs/" in exchange.path]


@pytest.mark.parametrize(
    ("name", "arguments", "message"),
    [
        ("rater-byas", ["--set", STUDY], "a pipeline must be a known one, got 'rater-byas'"),
        ("rater-bias", ["--set", "fold=5"], "a parameter of rater-bias must be a known one, got 'fold'"),
        ("rater-bias", ["--set", STUDY, "folds=x"], "folds must be of type int, got 'x'"),
        ("rater-bias", [], "rater-bias must have a value for study. Hint: add --set study=…."),
        ("rater-bias", ["--set", STUDY, "--interval", "0"], "--interval must be more than 0 seconds, got 0.0"),
        ("rater-bias", ["--set", STUDY, "--timeout", "-1"], "--timeout must be more than 0 seconds, got -1.0"),
        ("rater-bias", ["--set", STUDY, "--token-file", "absent"], "--token-file must name a file, got absent"),
        ("rater-bias", ["--set", STUDY, "--ca-cert", "absent"], "--ca-cert must name a file, got absent"),
    ],
)
def test_bad_input_is_refused_before_anything_is_asked(kubeflow, submit, name, arguments, message):
    code, output, errors = submit(*arguments, name=name)
    assert (code, output) == (2, "")
    assert errors.startswith(f"error: {message}")
    assert kubeflow.exchanges == []


@pytest.mark.parametrize("host", ["kubeflow.example", "ftp://h", "http://", "http://h/#/runs", "http://h:80a"])
def test_an_address_that_is_none_is_refused(submit, host):
    code, _, errors = submit("--set", STUDY, host=host)
    assert code == 2
    assert errors.startswith(f"error: --host must be an address such as https://HOST/pipeline, got {host!r}")


def test_a_password_in_the_address_is_refused_and_not_repeated(submit):
    code, _, errors = submit("--set", STUDY, host="http://anna:secret@kubeflow.example")
    assert code == 2
    assert "--host must hold no password" in errors
    assert "secret" not in errors


def test_a_pipeline_that_is_not_compiled_is_refused(submit, packages):
    (packages / "rater-bias.yaml").unlink()
    code, _, errors = submit("--set", STUDY)
    assert code == 2
    assert "rater-bias must be compiled" in errors


def test_the_address_can_come_from_the_environment(kubeflow, run_command, monkeypatch):
    code, _, errors = run_command("submit", "rater-bias", "--set", STUDY)
    assert (code, "--host must be given" in errors) == (2, True)
    monkeypatch.setenv("KF_PIPELINES_ENDPOINT", kubeflow.address)
    assert run_command("submit", "rater-bias", "--set", STUDY)[0] == 0
