"""Our optimisers against PyTorch's own, and what a whole training leaves unimported."""

import subprocess
import sys
from copy import deepcopy
from pathlib import Path

import pytest
import torch
from torch import nn

from overread.training.optimiser import Adam, AdamW

PAIRS = [(Adam, torch.optim.Adam), (AdamW, torch.optim.AdamW)]
_ROOT = Path(__file__).parents[3]

_TRAINING = """
import sys
from pathlib import Path
import torch
from overread.runs.plan_trainings import PlanSettings, plan_trainings
from overread.study.study import Study
from overread.training.job import run_training_job
from overread.training.loop import Session
from tests.studies import make_preset, write_squares

root = Path(sys.argv[1])
write_squares(root / "study")
make_preset(2, epochs=2).write_yaml(root / "tiny.yaml")
study = Study.open(root / "study")
plan = plan_trainings(study, PlanSettings(pipeline="rater-bias", preset=str(root / "tiny.yaml"), folds=3), revision="")
session = Session(torch.device("cpu"), root / "checkpoint.pt", "", lambda _: None)
run_training_job(study, plan.jobs[0], plan.preset, folder=root / "network", session=session)
print(*sys.modules, sep="\\n")
"""


def make_network() -> nn.Module:
    torch.manual_seed(0)
    return nn.Sequential(nn.Linear(5, 7), nn.PReLU(), nn.Linear(7, 2))


def take_steps(network: nn.Module, optimiser: torch.optim.Optimizer, count: int) -> None:
    generator = torch.Generator().manual_seed(1)
    for _ in range(count):
        optimiser.zero_grad()
        torch.autograd.backward(network(torch.randn(3, 5, generator=generator)).square().sum())
        optimiser.step()


def assert_equal(first: nn.Module, second: nn.Module) -> None:
    pairs = zip(first.parameters(), second.parameters(), strict=True)
    assert all(torch.equal(one, other) for one, other in pairs)


@pytest.mark.parametrize(("ours", "theirs"), PAIRS)
@pytest.mark.parametrize("fused", [None, True])
def test_weights_are_those_of_pytorch_to_the_bit(ours: type, theirs: type, fused: bool | None) -> None:
    networks = [make_network(), make_network()]
    for network, optimiser in zip(networks, (ours, theirs), strict=True):
        take_steps(network, optimiser(network.parameters(), 0.01, weight_decay=0.1, fused=fused), 5)
    assert_equal(*networks)
    assert not torch.equal(next(networks[0].parameters()), next(make_network().parameters()))


@pytest.mark.parametrize(("ours", "theirs"), PAIRS)
def test_goes_on_from_a_state_of_pytorch(ours: type, theirs: type) -> None:
    networks = [make_network(), make_network()]
    begun = theirs(networks[0].parameters(), 0.01, weight_decay=0.1)
    take_steps(networks[0], begun, 3)
    networks[1].load_state_dict(networks[0].state_dict())
    resumed = ours(networks[1].parameters(), 0.5)
    resumed.load_state_dict(deepcopy(begun.state_dict()))
    for network, optimiser in zip(networks, (begun, resumed), strict=True):
        take_steps(network, optimiser, 2)
    assert_equal(*networks)


@pytest.mark.parametrize("ours", [Adam, AdamW])
def test_a_schedule_of_learning_rates_is_followed(ours: type) -> None:
    network = make_network()
    optimiser = ours(network.parameters(), 0.8)
    schedule = torch.optim.lr_scheduler.StepLR(optimiser, step_size=1, gamma=0.5)
    rates = []
    for _ in range(3):
        take_steps(network, optimiser, 1)
        schedule.step()
        rates.append(optimiser.param_groups[0]["lr"])
    assert rates == [0.4, 0.2, 0.1]


def test_a_training_imports_no_compiler(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-c", _TRAINING, str(tmp_path)], cwd=_ROOT, capture_output=True, text=True, check=True
    )
    modules = set(done.stdout.split())
    assert "overread.training.optimiser" in modules
    assert not {"torch._dynamo", "torch._inductor", "sympy"} & modules
