"""A study that grows, told by the commands that a user would type: `make demo-retrain`.

Everything happens in one folder, with networks that are trained for a few seconds only; no server is needed.
"""

import os
import shlex
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import nibabel
import numpy as np

from overread.study.splits import is_held_out
from overread.study.study import Study

SETTINGS = ("epochs=8", "dice_margin=0.1", "load_bias_limit=0.6")
"""Short trainings on few cases: the bounds of the gate are wide."""

SHIFT_VOXELS = 5
BIN = Path(sys.executable).parent


class Story:
    """The study, and the commands that are typed."""

    def __init__(self, folder: Path) -> None:
        self.study = folder / "study"
        self.delivered = folder / "delivered"

    def retraining(self) -> list[str]:
        """The command that retrains once."""
        return [sys.executable, "-m", "pipelines", "run", "retrain", "--study", str(self.study), "--set", *SETTINGS]

    def add(self, source: str, message: str) -> None:
        """Make what was delivered part of the study."""
        command = [str(BIN / "overread"), "study", "add", str(self.study), "--source", source, str(self.delivered)]
        run([*command, "--replace", "--message", message])

    def deliver(self, masks: dict[str, np.ndarray]) -> None:
        """Put new masks where an annotation tool would."""
        shutil.rmtree(self.delivered, ignore_errors=True)
        self.delivered.mkdir()
        for case, mask in masks.items():
            affine = Study.open(self.study).read_affine(case)
            nibabel.save(nibabel.Nifti1Image(mask.astype(np.uint8), affine), self.delivered / f"{case}.nii.gz")


def main(folder: Path) -> None:
    """Tell the story in a folder that is new."""
    began = time.monotonic()
    folder.mkdir(parents=True)
    story = Story(folder)

    say("A study of 18 scans with two raters. The first run trains a network per rater; both become champion.")
    run([str(BIN / "overread"), "study", "demo", str(story.study)])
    run(story.retraining())

    say("Nobody has labelled anything since. The next run sees that from digests alone, and trains nothing.")
    run(story.retraining())

    study = Study.open(story.study)
    learnt = [case.case_id for case in study.cases if not is_held_out(case.subject_id)]
    say(
        "rater2 looks at four scans again. Only the network of rater2 is trained anew; the gate compares it with the "
        "champion on scans that neither has seen."
    )
    story.deliver({case: study.labels("truth").read(case) for case in learnt[:4]})
    story.add("rater2", "Second look at four scans")
    run(story.retraining())

    say(
        f"A batch goes wrong: all masks are {SHIFT_VOXELS} voxels off. The gate refuses the network that learnt them, "
        "and the champion stays."
    )
    story.deliver({case: shift(study.labels("rater2").read(case)) for case in learnt})
    story.add("rater2", "A batch from the new tool")
    run(story.retraining())
    run([str(BIN / "overread"), "model", "trace", "demo-rater2@challenger", "--study", str(story.study)])

    say("The batch is taken back. The champion learnt these very labels, so nothing is trained.")
    run(["git", "-C", str(story.study), "revert", "--no-edit", "HEAD"])
    run([str(BIN / "dvc"), "checkout", "--quiet"], folder=story.study)
    run(story.retraining())

    say(
        "New labels again, and this time the power fails in the middle of the training. The next run goes on where the "
        "first one was."
    )
    story.deliver({case: study.labels("truth").read(case) for case in learnt[4:8]})
    story.add("rater2", "Second look at four more scans")
    kill_in_training(story)
    run(story.retraining())

    say("New labels once more, and two runs at the same time. One trains, the other waits and takes its result.")
    story.deliver({case: study.labels("truth").read(case) for case in learnt[8:12]})
    story.add("rater2", "Second look at the rest")
    run_both(story.retraining())

    say("Where does the champion come from?")
    run([str(BIN / "overread"), "model", "trace", "demo-rater2@champion", "--study", str(story.study)])
    minutes = (time.monotonic() - began) / 60
    print(f"\nThis took {minutes:.1f} minutes. The study, its networks and reports are in {folder}.")


def shift(mask: np.ndarray) -> np.ndarray:
    """The mask some voxels off."""
    return np.roll(mask, SHIFT_VOXELS, axis=0)


def say(text: str) -> None:
    """Begin a chapter."""
    print(f"\n== {text}\n", flush=True)


def show(command: list[str]) -> None:
    """Print a command as a user would type it."""
    words = [Path(command[0]).name.replace("python3", "python"), *command[1:]]
    print(f"$ {shlex.join(words)}", flush=True)


def run(command: list[str], *, folder: Path | None = None) -> None:
    """Show a command and run it."""
    show(command)
    subprocess.run(command, cwd=folder, check=True)


def kill_in_training(story: Story) -> None:
    """Start a retraining and kill all its processes once a checkpoint is there."""
    command = story.retraining()
    show(command)
    process = subprocess.Popen(command, start_new_session=True)
    while not find_checkpoints(story.study):
        if process.poll() is not None:
            sys.exit("the run ended before it could be killed")
        time.sleep(0.1)
    time.sleep(3)
    os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    subprocess.run(["pkill", "-KILL", "-f", str(story.study.resolve() / ".overread")], check=False)
    print("(killed)", flush=True)


def find_checkpoints(study: Path) -> list[Path]:
    """Checkpoints of trainings that have begun and not ended."""
    return list((study / ".overread" / "store" / "trainings").glob("*/files/checkpoint.pt"))


def run_both(command: list[str]) -> None:
    """Run a command twice at the same time."""
    show(command)
    show(command)
    processes = [subprocess.Popen(command) for _ in range(2)]
    if [process.wait() for process in processes] != [0, 0]:
        sys.exit("a run failed")


if __name__ == "__main__":
    main(Path(sys.argv[1] if len(sys.argv) > 1 else "demo-retrain"))
