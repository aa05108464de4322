"""A study that grows, told by the commands that a user would type: `make demo-retrain`.

Everything happens in one folder, with networks that are trained for a few seconds only; no server is needed.
`tests/services/test_retraining_story.py` tells the same chapters on real servers.
"""

import os
import shlex
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from overread.study.rasters import write_mask
from overread.study.splits import is_held_out
from overread.study.study import Study
from overread.types import Mask

SETTINGS = ("epochs=8", "dice_margin=0.1", "load_bias_limit=0.6")
"""Short trainings on few cases: the bounds of the gate are wide."""

CASE_COUNT = 20
"""Of 17 subjects, of whom five are held out: as few as the gate can tell something from."""

SHIFT_VOXELS = 5
BIN = Path(sys.executable).parent
REPOSITORY = Path(__file__).resolve().parent.parent


@dataclass(frozen=True)
class Story:
    """The study, and the commands that are typed.

    Attributes:
        study: the folder that annotators work in.
        retrained: the folder that networks are retrained from, the same or a clone that pulls what annotators push.
        settings: of every retraining.
        source: the rater whose masks change.
        second_look: the source that holds what the rater would draw at a second look.
    """

    study: Path
    retrained: Path
    settings: tuple[str, ...] = SETTINGS
    source: str = "rater2"
    second_look: str = "truth"

    @property
    def learnt(self) -> list[str]:
        """Cases that networks may learn from."""
        return [case.case_id for case in Study.open(self.study).cases if not is_held_out(case.subject_id)]

    @property
    def held_out(self) -> list[str]:
        """Cases that networks are judged on."""
        return [case.case_id for case in Study.open(self.study).cases if is_held_out(case.subject_id)]

    @property
    def network(self) -> str:
        """The registered network of the rater."""
        return f"{Study.open(self.study).settings.name}-{self.source}"

    def retrain(self) -> None:
        """Pull and retrain once, as a timer would."""
        choices = f"SET={' '.join(self.settings)}"
        run(["make", "--no-print-directory", "retrain-once", f"STUDY={self.retrained}", choices], folder=REPOSITORY)

    def begin_retraining(self) -> "subprocess.Popen[bytes]":
        """Start a retraining in processes of its own."""
        command = [str(BIN / "overread"), "run", "retrain", str(self.retrained), "--set"]
        command += self.settings
        show(command)
        return subprocess.Popen(command, cwd=REPOSITORY, start_new_session=True)

    def list_checkpoints(self) -> list[Path]:
        """Checkpoints of trainings that have begun and not ended."""
        return list((self.retrained / ".overread" / "store" / "trainings").glob("*/files/checkpoint.pt"))

    def push(self) -> None:
        """Send commits to where networks are retrained, unless that is the same folder."""
        if self.retrained != self.study:
            run(["git", "-C", str(self.study), "push", "--quiet"])

    def pull(self) -> None:
        """Fetch what annotators pushed, unless they work in the same folder."""
        if self.retrained != self.study:
            run(["git", "-C", str(self.retrained), "pull", "--quiet", "--ff-only"])

    def look_again(self, cases: Sequence[str], message: str) -> None:
        """Add what a second look finds."""
        labels = Study.open(self.study).labels(self.second_look)
        self.add({case: labels.read(case) for case in cases}, message)

    def add(self, masks: Mapping[str, Mask], message: str) -> None:
        """Put masks where an annotation tool would, and make them part of the study."""
        study = Study.open(self.study)
        delivered = self.study.parent / "delivered"
        shutil.rmtree(delivered, ignore_errors=True)
        delivered.mkdir()
        for case, mask in masks.items():
            write_mask(delivered / study.labels(self.source).path(case).name, mask, study.read_affine(case))
        command = [str(BIN / "overread"), "study", "add", str(self.study), "--source", self.source, str(delivered)]
        run([*command, "--replace", "--message", message])


def train_first(story: Story) -> None:
    """There is no network yet."""
    story.retrain()


def find_nothing_new(story: Story) -> None:
    """No label has changed."""
    story.retrain()


def look_at_some_again(story: Story) -> None:
    """Some masks of one rater change a little, and so do most that the network is judged by."""
    story.look_again(story.learnt[:4] + story.held_out[4:], "Second look at some scans")
    story.retrain()


def decide_by_hand(story: Story) -> None:
    """A human looks at the report and ends the hold."""
    command = [str(BIN / "overread"), "model", "promote", story.network, "--version", "challenger"]
    run([*command, "--reason", "The second look is right", "--study", str(story.retrained)])


def spoil_a_batch(story: Story) -> None:
    """All masks of one rater are shifted."""
    labels = Study.open(story.study).labels(story.source)
    story.add({case: shift(labels.read(case)) for case in story.learnt}, "A batch from the new tool")
    story.retrain()
    trace(story, "challenger")


def take_the_batch_back(story: Story) -> None:
    """The masks are again those that the champion learnt."""
    run(["git", "-C", str(story.study), "revert", "--no-edit", "HEAD"])
    run([str(BIN / "dvc"), "checkout", "--quiet"], folder=story.study)
    story.push()
    story.retrain()


def lose_power(story: Story) -> None:
    """A run is killed while it trains, and the next one goes on."""
    story.look_again(story.learnt[4:8], "Second look at four more scans")
    kill_in_training(story)
    story.retrain()


def run_two_at_once(story: Story) -> None:
    """Two runs begin at the same time."""
    story.look_again(story.learnt[8:12], "Second look at the rest")
    story.pull()
    processes = [story.begin_retraining() for _ in range(2)]
    if [process.wait() for process in processes] != [0, 0]:
        sys.exit("a run failed")


def ask_where_the_champion_comes_from(story: Story) -> None:
    """Study, labels, settings and code, and the commands that bring them back."""
    trace(story, "champion")


CHAPTERS = (
    ("The first run trains a network per rater; both become champion.", train_first),
    (
        "Nobody has labelled anything since. The next run sees that from digests alone, and trains nothing.",
        find_nothing_new,
    ),
    (
        "rater2 looks at some scans again. Only the network of rater2 is trained anew. Masks of held-out scans that "
        "came with the others cannot speak for it, and without them too few subjects are left: the gate cannot tell, "
        "and the network is on hold.",
        look_at_some_again,
    ),
    (
        "Somebody looks at the report, finds the new masks right, and makes the network champion. From here on it is "
        "judged by the new masks.",
        decide_by_hand,
    ),
    (
        f"A batch goes wrong: all masks are {SHIFT_VOXELS} voxels off. The gate refuses the network that learnt them, "
        "and the champion stays.",
        spoil_a_batch,
    ),
    ("The batch is taken back. The champion learnt these very labels, so nothing is trained.", take_the_batch_back),
    (
        "New labels again, and this time the power fails in the middle of the training. The next run goes on where the "
        "first one was.",
        lose_power,
    ),
    (
        "New labels once more, and two runs at the same time. One trains, the other waits and takes its result.",
        run_two_at_once,
    ),
    ("Where does the champion come from?", ask_where_the_champion_comes_from),
)


def main(folder: Path) -> None:
    """Tell the story in a folder that is new."""
    began = time.monotonic()
    folder.mkdir(parents=True)
    story = Story(folder.resolve() / "study", folder.resolve() / "study")
    say(f"A study of {CASE_COUNT} scans with two raters.")
    run([str(BIN / "overread"), "study", "demo", str(story.study), "--cases", str(CASE_COUNT)])
    for text, tell in CHAPTERS:
        say(text)
        tell(story)
    minutes = (time.monotonic() - began) / 60
    print(f"\nThis took {minutes:.1f} minutes. The study, its networks and reports are in {folder}.")


def shift(mask: Mask) -> Mask:
    """The mask some voxels off."""
    return np.roll(mask, SHIFT_VOXELS, axis=0)


def trace(story: Story, alias: str) -> None:
    """Print where a version of the rater's network comes from."""
    command = [str(BIN / "overread"), "model", "trace", f"{story.network}@{alias}"]
    run([*command, "--study", str(story.retrained)])


def kill_in_training(story: Story) -> None:
    """Start a retraining and kill all its processes once a checkpoint is there."""
    story.pull()
    process = story.begin_retraining()
    while not story.list_checkpoints():
        if process.poll() is not None:
            sys.exit("the run ended before it could be killed")
        time.sleep(0.1)
    for number in [process.pid, *find_descendants(process.pid)]:
        with suppress(ProcessLookupError):
            os.kill(number, signal.SIGKILL)
    process.wait()
    print("(killed)", flush=True)


def find_descendants(process: int) -> list[int]:
    """Numbers of the processes that a process has started, and of those that these have."""
    listed = subprocess.run(["ps", "-A", "-o", "pid=,ppid="], check=True, capture_output=True, text=True).stdout
    pairs = [tuple(map(int, line.split())) for line in listed.splitlines()]
    found = [process]
    for parent in found:
        found += [child for child, of in pairs if of == parent]
    return found[1:]


def say(text: str) -> None:
    """Begin a chapter."""
    print(f"\n== {text}\n", flush=True)


def show(command: Sequence[str]) -> None:
    """Print a command as a user would type it."""
    words = [Path(command[0]).name.replace("python3", "python"), *command[1:]]
    print(f"$ {shlex.join(words)}", flush=True)


def run(command: Sequence[str], *, folder: Path | None = None) -> None:
    """Show a command and run it."""
    show(command)
    subprocess.run(command, cwd=folder, check=True)


if __name__ == "__main__":
    main(Path(sys.argv[1] if len(sys.argv) > 1 else "demo-retrain"))
