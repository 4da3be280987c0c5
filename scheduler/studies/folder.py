"""The folder of a study: its manifest, and one folder a scenario that is there whole or not at all.

``study.json`` names the scenarios and the key of each: a hash over the base mine, the overrides, the settings of the
solve, the versions and the key of the scenario that it starts from. The folder of a result carries the key in its
name, so that what was solved under other data is never taken for it. ``.work`` holds what is under way and may be
thrown away.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import secrets
import shutil
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from instances.findings import BadInput, Finding
from scheduler.runfolder import json_text
from scheduler.studies.opening import OpenStudy
from scheduler.studies.scenarios import Scenario

try:
    import fcntl
except ImportError:  # pragma: no cover - where files cannot be locked, two studies in one folder are not noticed
    fcntl = None  # type: ignore[assignment]

FORMAT = 1
MANIFEST, SOURCE, SCENARIOS, WORK, LOCK = "study.json", "study.toml", "scenarios", ".work", ".lock"
RECORD, PROGRESS = "scenario.json", "progress.json"
FORMULATIONS = "formulations"
"""In ``.work``: models of scenarios that differ in money only."""
KEY_SHOWN = 12
DONE = ("optimal within the gap", "feasible: stopped at a limit", "infeasible", "no plan found", "failed")
WAITING, RUNNING = "waiting", "at work"


@dataclass(frozen=True)
class Manifest:
    """What ``study.json`` says.

    Attributes:
        folder: of the study.
        data: its contents.
    """

    folder: Path
    data: Mapping[str, Any]

    def scenarios(self) -> list[dict[str, Any]]:
        """Name, title, design, overrides, values, donor and key of each scenario, in the order of the file."""
        return list(self.data["scenarios"])

    def result(self, scenario: Mapping[str, Any]) -> Path:
        """The folder that a scenario's result has, once it is there."""
        return self.folder / SCENARIOS / folder_name(str(scenario["name"]), str(scenario["key"]))


def folder_name(name: str, key: str) -> str:
    """Name of the folder of a result."""
    return f"{name}.{key[:KEY_SHOWN]}"


def keys(opened: OpenStudy, settings: Mapping[str, object], versions: Mapping[str, str]) -> dict[str, str]:
    """Key of each scenario by its name: all that its result depends on, that of its donor included."""
    found: dict[str, str] = {}
    by_name = {scenario.name: scenario for scenario in opened.scenarios}
    base = opened.base.hash()

    def key(scenario: Scenario) -> str:
        if scenario.name not in found:
            donor = None if scenario.donor is None else key(by_name[scenario.donor])
            what = [base, list(scenario.overrides), dict(settings), dict(versions), donor]
            found[scenario.name] = hashlib.sha256(json.dumps(what, sort_keys=True).encode()).hexdigest()
        return found[scenario.name]

    for scenario in opened.scenarios:
        chain = [scenario]
        while chain[-1].donor is not None and chain[-1].donor not in found:
            chain.append(by_name[chain[-1].donor])
        for link in reversed(chain):
            key(link)
    return found


def manifest_of(
    opened: OpenStudy, folder: Path, settings: Mapping[str, object], versions: Mapping[str, str]
) -> Manifest:
    """The manifest that a study has in a folder."""
    key = keys(opened, settings, versions)
    data = {
        "format": FORMAT,
        "study": opened.study.name,
        "title": opened.study.title,
        "mine": opened.base.mine.name,
        "currency": opened.base.mine.money.currency,
        "base_hash": opened.base.hash(),
        "settings": dict(settings),
        "versions": dict(versions),
        "scenarios": [
            {
                "name": scenario.name,
                "title": scenario.title,
                "design": scenario.design,
                "overrides": list(scenario.overrides),
                "values": dict(scenario.values),
                "donor": scenario.donor,
                "key": key[scenario.name],
            }
            for scenario in opened.scenarios
        ],
    }
    return Manifest(folder, json.loads(json_text(data)))


def read_manifest(folder: str | Path) -> Manifest:
    """The manifest of a study's folder.

    Raises:
        BadInput: where it is none.
    """
    path = Path(folder)
    place = f"{folder}: {MANIFEST}"
    try:
        data = json.loads((path / MANIFEST).read_text(encoding="utf-8"))
    except OSError as error:
        raise BadInput([Finding(str(folder), None, f"the folder of a study, with {MANIFEST}")]) from error
    except ValueError as error:
        raise BadInput([Finding(place, None, "JSON in UTF-8; the file is damaged")]) from error
    if not isinstance(data, dict) or data.get("format") != FORMAT or not isinstance(data.get("scenarios"), list):
        raise BadInput([Finding(place, None, f"a study of format {FORMAT}")])
    return Manifest(path, data)


def refuse_foreign(folder: str | Path, study: str) -> None:
    """Refuses a folder that holds something other than this study, or that cannot be written.

    Raises:
        BadInput: for either.
    """
    path = Path(folder)
    try:
        if (path / MANIFEST).is_file():
            other = read_manifest(path).data["study"]
            if other != study:
                raise BadInput([Finding(str(folder), None, f"a new folder, or that of {study}; it is that of {other}")])
        elif path.exists() and (not path.is_dir() or any(_is_foreign(inside.name) for inside in path.iterdir())):
            expected = "a new or empty folder, or one of this study; it holds something else"
            raise BadInput([Finding(str(folder), None, expected)])
    except OSError as error:
        raise not_writable(folder, error) from error
    above = next(parent for parent in [path.resolve(), *path.resolve().parents] if parent.exists())
    if not above.is_dir() or not os.access(above, os.W_OK | os.X_OK):
        raise BadInput([Finding(str(folder), None, f"a folder that can be written; {above} does not allow it")])


def _is_foreign(name: str) -> bool:
    """Whether a file is none that a study has when it is killed before it has its manifest."""
    return name not in {SCENARIOS, SOURCE, WORK, LOCK} and not name.startswith((f".{SOURCE}.", f".{MANIFEST}."))


def not_writable(folder: str | Path, error: OSError) -> BadInput:
    """What is said where a folder cannot be written."""
    return BadInput([Finding(str(folder), None, f"a folder that can be written ({error.strerror or error})")])


def prepare(manifest: Manifest, source: str) -> None:
    """Makes the folder and writes the manifest; leftovers of an earlier call are thrown away.

    Raises:
        BadInput: where it cannot be written.
    """
    folder = manifest.folder
    try:
        (folder / SCENARIOS).mkdir(parents=True, exist_ok=True)
        shutil.rmtree(folder / WORK, ignore_errors=True)
        (folder / WORK).mkdir(exist_ok=True)
        write_whole(folder / SOURCE, source)
        write_whole(folder / MANIFEST, json_text(manifest.data))
    except OSError as error:
        raise not_writable(folder, error) from error


def write_whole(file: Path, text: str) -> None:
    """Writes a file whole or not at all."""
    part = file.with_name(f".{file.name}.{secrets.token_hex(4)}.part")
    try:
        with part.open("w", encoding="utf-8", newline="\n") as out:
            out.write(text)
            out.flush()
            os.fsync(out.fileno())
        part.replace(file)
    except BaseException:
        part.unlink(missing_ok=True)
        raise


def put_in_place(part: Path, target: Path) -> None:
    """Moves a finished result to its place, durably; a result of the same key that is there already stays."""
    for file in part.rglob("*"):
        if file.is_file():
            with file.open("rb") as written:
                os.fsync(written.fileno())
    try:
        part.rename(target)
    except OSError:
        if not (target / RECORD).is_file():
            raise
        shutil.rmtree(part, ignore_errors=True)
        return
    with contextlib.suppress(OSError):
        handle = os.open(target.parent, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)


@contextlib.contextmanager
def locked(folder: Path) -> Iterator[None]:
    """Holds the folder's lock; it goes with the process however that ends.

    Raises:
        BadInput: where another call of the study is at work in the folder, or it cannot be written.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        handle = (folder / LOCK).open("w", encoding="utf-8")
    except OSError as error:
        raise not_writable(folder, error) from error
    with handle:
        if fcntl is not None:
            try:
                fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except OSError as error:
                raise BadInput([Finding(str(folder), None, "a folder in which no other pitwise is at work")]) from error
        yield


def read_record(result: Path) -> dict[str, Any] | None:
    """What a scenario came to; ``None`` where it is not there or damaged."""
    try:
        found = json.loads((result / RECORD).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    return found if isinstance(found, dict) and found.get("status") in DONE else None


def read_status(folder: str | Path) -> dict[str, Any]:
    """How far the study in a folder is: scenarios by status, and those at work.

    Raises:
        BadInput: where it is no study's folder.
    """
    manifest = read_manifest(folder)
    counts = dict.fromkeys((*DONE, RUNNING, WAITING), 0)
    running = []
    for scenario in manifest.scenarios():
        record = read_record(manifest.result(scenario))
        at_work = _progress(manifest, scenario)
        counts[RUNNING if record is None and at_work else WAITING if record is None else record["status"]] += 1
        if record is None and at_work:
            running.append({"name": scenario["name"], **at_work})
    return {
        "study": manifest.data["study"],
        "scenarios": len(manifest.scenarios()),
        "counts": counts,
        "running": running,
    }


def _progress(manifest: Manifest, scenario: Mapping[str, Any]) -> dict[str, Any] | None:
    file = manifest.folder / WORK / folder_name(scenario["name"], scenario["key"]) / PROGRESS
    try:
        told = json.loads(file.read_text(encoding="utf-8"))
        os.kill(int(told["pid"]), 0)
    except PermissionError:
        pass
    except (OSError, ValueError, KeyError, TypeError):
        return None
    return {
        "seconds": max(time.time() - float(told["began"]), 0.0),
        "gap": told.get("gap"),
        "bound": told.get("bound"),
        "objective": told.get("objective"),
        "pid": told["pid"],
    }
