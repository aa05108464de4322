"""Where the code and the packages of this installation come from: a commit of a checkout, or a release."""

import subprocess
from dataclasses import dataclass
from pathlib import Path

import overread
from overread.errors import VersioningError


@dataclass(frozen=True)
class CodeOrigin:
    """What code is known by.

    Attributes:
        kind: "commit" or "release".
        name: the commit, 40 hexadecimal digits, or the number of the release.
    """

    kind: str
    name: str

    def __str__(self) -> str:
        """Both in words."""
        return f"{self.kind} {self.name}"


def find_clean_origin(packages: Path) -> CodeOrigin:
    """The commit of the checkout that holds some packages, else the installed release.

    Args:
        packages: folder of the compiled pipelines; changes in it do not count, for a digest names each.

    Raises:
        VersioningError: the checkout holds changes, or git is not installed.
    """
    checkout = find_checkout(packages)
    if checkout is None:
        return CodeOrigin("release", overread.__version__)
    inside = packages.resolve().relative_to(checkout)
    changes = _git(checkout, "status", "--porcelain", "--", ".", f":(exclude){inside}").splitlines()
    if changes:
        shown = ", ".join(line[3:] for line in changes[:3]) + (", …" if len(changes) > 3 else "")
        raise VersioningError(
            f"the checkout must hold no change that no commit holds, got {len(changes)}: {shown}; {checkout}. "
            "Hint: commit or stash the changes, so that the version's name says what runs; compile after that."
        )
    return CodeOrigin("commit", read_commit(checkout))


def find_checkout(packages: Path) -> Path | None:
    """The git checkout that the packages are part of; None where they were installed, be it into a checkout.

    Raises:
        VersioningError: git is not installed.
    """
    if _try_git(packages, "ls-files", "--error-unmatch", ".").returncode != 0:
        return None
    return Path(_git(packages, "rev-parse", "--show-toplevel").strip())


def read_commit(checkout: Path) -> str:
    """The commit that is checked out."""
    return _git(checkout, "rev-parse", "--verify", "HEAD").strip()


def _git(folder: Path, *arguments: str) -> str:
    done = _try_git(folder, *arguments)
    if done.returncode != 0:
        raise VersioningError(f"git must read the checkout of the packages, got {done.stderr.strip()!r}; {folder}.")
    return done.stdout


def _try_git(folder: Path, *arguments: str) -> "subprocess.CompletedProcess[str]":
    try:
        return subprocess.run(["git", *arguments], cwd=folder, capture_output=True, text=True, check=False)
    except FileNotFoundError as error:
        raise VersioningError("git must be installed to name versions by their commit.") from error
