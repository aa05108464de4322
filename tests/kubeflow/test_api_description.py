"""The check of requests and answers against Kubeflow's description finds what is wrong."""

from dataclasses import replace

import pytest

from tests.kubeflow.exchange import Exchange

RUN = Exchange(
    "POST",
    "/apis/v2beta1/runs",
    body={"display_name": "r", "runtime_config": {"parameters": {"folds": 5}}, "pipeline_spec": {"root": {}}},
    answer={"run_id": "1", "state": "PENDING", "created_at": "2026-01-02T03:04:05Z"},
)
LIST = Exchange(
    "GET",
    "/apis/v2beta1/pipelines",
    query={
        "page_size": ["10"],
        "filter": ['{"predicates": [{"operation": "EQUALS", "key": "name", "string_value": "x"}]}'],
    },
    answer={"pipelines": [{"pipeline_id": "1"}], "total_size": 1},
)
UPLOAD = Exchange(
    "POST",
    "/apis/v2beta1/pipelines/upload_version",
    query={"name": ["v"], "pipelineid": ["1"]},
    files={"uploadfile": b"root: {}"},
    answer={"pipeline_version_id": "2", "tags": {"commit": "abc"}},
)
RECURRING = Exchange(
    "POST",
    "/apis/v2beta1/recurringruns",
    body={
        "display_name": "r",
        "max_concurrency": 1,
        "mode": "ENABLE",
        "trigger": {"cron_schedule": {"cron": "@daily"}},
    },
    answer={"recurring_run_id": "1", "max_concurrency": "1", "status": "ENABLED"},
)
ENABLE = Exchange("POST", "/apis/v2beta1/recurringruns/1:enable", answer={})
DELETE = Exchange("DELETE", "/apis/v2beta1/recurringruns/1", query={"propagation_policy": ["ORPHAN"]}, answer={})


@pytest.mark.parametrize(
    "exchange",
    [RUN, LIST, UPLOAD, RECURRING, ENABLE, DELETE],
    ids=["run", "list", "upload", "recurring", "enable", "delete"],
)
def test_what_is_described_has_no_problem(description, exchange):
    assert description.find_problems(exchange) == []


@pytest.mark.parametrize(
    ("exchange", "problem"),
    [
        (replace(RUN, path="/apis/v1beta1/runs"), "is not described"),
        (replace(RUN, method="PUT"), "is not described"),
        (replace(RUN, query={"wait": ["1"]}), "query parameter wait is not described"),
        (replace(RUN, body={"name": "r"}), "body.name is not described"),
        (replace(RUN, body={"display_name": 1}), "body.display_name is no string"),
        (replace(RUN, body=None), "body is no object"),
        (replace(RUN, body={"runtime_config": {"values": {}}}), "body.runtime_config.values is not described"),
        (replace(RUN, answer={"state": "DONE"}), "answer.state is none of"),
        (replace(RUN, answer={"created_at": "yesterday"}), "answer.created_at is no time"),
        (replace(RUN, answer={"run_details": {"pipeline_context_id": "x"}}), "is no integer in a text"),
        (replace(RUN, answer={"run_details": {"task_details": [{"state": 1}]}}), "task_details[0].state is no string"),
        (replace(RUN, status=404, answer={"message": 5}), "answer.message is no string"),
        (replace(RUN, status=404, answer={"reason": "x"}), "answer.reason is not described"),
        (replace(RECURRING, body={"max_concurrency": "one"}), "body.max_concurrency is no integer in a text"),
        (replace(RECURRING, body={"mode": "ENABLED"}), "body.mode is none of"),
        (replace(RECURRING, body={"trigger": {"cron": "@daily"}}), "body.trigger.cron is not described"),
        (replace(RECURRING, answer={"max_concurrency": 1}), "answer.max_concurrency is no string"),
        (replace(ENABLE, path="/apis/v2beta1/recurringruns/1:start"), "is not described"),
        (replace(DELETE, query={"propagation_policy": ["KEEP"]}), "query parameter propagation_policy is none of"),
        (replace(LIST, query={"page_size": ["many"]}), "query parameter page_size is no integer"),
        (replace(LIST, query={"filter": ['{"predicates": [{"operation": "IS"}]}']}), "operation is none of"),
        (replace(LIST, query={"filter": ['{"predicates": [{"operation": 1, "name": "x"}]}']}), "name is not described"),
        (replace(LIST, body={}), "a body is not described"),
        (replace(LIST, answer={"pipelines": {}}), "answer.pipelines is no array"),
        (replace(LIST, answer={"total_size": True}), "answer.total_size is no integer"),
        (replace(UPLOAD, files={"file": b""}), "form fields are ['file'], not ['uploadfile']"),
        (replace(UPLOAD, answer={"tags": {"commit": 1}}), "answer.tags.commit is no string"),
    ],
)
def test_what_is_not_described_is_a_problem(description, exchange, problem):
    assert any(problem in found for found in description.find_problems(exchange))


def test_an_answer_of_a_gateway_is_not_held_against_the_description(description):
    assert description.find_problems(replace(RUN, status=503, answer="busy", from_kubeflow=False)) == []
