"""Runs exchangelib's own test suite of the released version against a server, and holds what passes against the list in
exchangelib-suite.txt, which may only grow.

The suite is fetched from its repository and never kept in ours. Its values are random on purpose, so a test of the list
that fails is tried again, and only one that fails every time is a step back."""

import argparse
import io
import os
import subprocess
import sys
import tarfile
import tempfile
import urllib.request
import xml.etree.ElementTree as etree
from pathlib import Path

COMMIT = "527d240"  # the release 5.6.0
URL = f"https://codeload.github.com/ecederstrand/exchangelib/tar.gz/{COMMIT}"
HERE = Path(__file__).parent
PASSED, FAILING = HERE / "exchangelib-suite.txt", HERE / "exchangelib-suite-failures.txt"
TRIES = 3
# Beyond these, nothing would be left of the time that the project's own tests have.
TEST_SECONDS, RUN_SECONDS = 40, 900


def fetch(target, source):
    """The folder `tests` of the suite below a folder; it is fetched if it is not there yet."""
    place = target / f"exchangelib-{COMMIT}"
    if (place / "tests").is_dir():
        return place
    place.mkdir(parents=True, exist_ok=True)
    if source:
        subprocess.run(["cp", "-r", f"{source}/tests", str(place)], check=True)
        return place
    with urllib.request.urlopen(URL, timeout=60) as answer:
        archive = tarfile.open(fileobj=io.BytesIO(answer.read()), mode="r:gz")
    for member in archive.getmembers():
        _, _, inner = member.name.partition("/")
        if inner.startswith("tests/") or inner == "tests":
            member.name = inner
            archive.extract(member, place, filter="data")
    return place


def settings(place, server, mailbox):
    """What the suite reads: a copy of the tests for one mailbox, since the file lies at a fixed place."""
    own = place / mailbox
    own.mkdir(exist_ok=True)
    if not (own / "tests").exists():
        (own / "tests").symlink_to(place / "tests", target_is_directory=True)
    lines = {"server": server, "autodiscover_server": server, "username": mailbox, "password": "any", "account": mailbox, "alias": mailbox}
    text = "".join(f"{name}: '{value}'\n" for name, value in lines.items()) + "verify_ssl: False\n"
    (own / "settings.yml").write_text(text)
    return own


def start(own, tests, report):
    """Starts the tests for one mailbox; they leave a report."""
    command = [
        sys.executable, "-m", "pytest", *tests, "-q", "-p", "no:warnings", "-p", "no:cacheprovider", "--timeout", str(TEST_SECONDS),
        f"--junitxml={report}", "-o", "junit_logging=no", "--tb=short",
    ]
    environment = {**os.environ, "PYTHONDONTWRITEBYTECODE": "1", "PYTHONPATH": str(own)}
    # A cache of what was discovered, shared by all runs on a machine, would let them see each other's servers.
    environment["TMPDIR"] = tempfile.mkdtemp(prefix="suite-")
    log = open(own / "log.txt", "a", encoding="utf-8")
    return subprocess.Popen(command, cwd=own, env=environment, stdout=log, stderr=subprocess.STDOUT)


def outcomes(report):
    """What became of each test in a report, by its name."""
    found = {}
    if not Path(report).exists():
        return found
    for case in etree.parse(report).getroot().iter("testcase"):
        name = f"{case.get('classname')}::{case.get('name')}"
        bad = next((one for one in case if one.tag in ("failure", "error")), None)
        if bad is not None:
            found[name] = ("failed", (bad.get("message") or "").split("\n")[0][:160])
        elif name not in found:
            found[name] = ("skipped" if case.find("skipped") is not None else "passed", "")
    return found


def run(places, groups):
    """Runs groups of tests at once, each with a mailbox of its own."""
    started = []
    for own, tests in zip(places, groups):
        if tests:
            report = tempfile.mktemp(suffix=".xml")
            started.append((start(own, tests, report), report))
    found = {}
    for process, report in started:
        try:
            process.wait(timeout=RUN_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
        found.update(outcomes(report))
    return found


def selector(name):
    """The argument of pytest for a test's name."""
    module, _, test = name.partition("::")
    path, _, case = module.rpartition(".")
    return f"{path.replace('.', '/')}.py::{case}::{test}"


def listed(path):
    if not path.exists():
        return {}
    lines = (line.strip() for line in path.read_text(encoding="utf-8").splitlines())
    return dict((part[0].strip(), part[2].strip()) for line in lines if line and not line.startswith("#") for part in [line.partition("  #")])


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--server", required=True, help="host and port of TLS")
    parser.add_argument("--mailbox", action="append", required=True, help="one process runs for each")
    parser.add_argument("--target", type=Path, required=True, help="where fetched files may lie")
    parser.add_argument("--source", help="a copy of the suite's repository, instead of fetching it")
    parser.add_argument("--only", action="append", default=[], help="only these files or tests")
    parser.add_argument("--update", action="store_true", help="write what passes into the list")
    place = parser.parse_args()
    try:
        suite = fetch(place.target, place.source)
    except OSError as error:
        print(f"skipped: exchangelib's suite cannot be fetched: {error}")
        return
    owns = [settings(suite, place.server, mailbox) for mailbox in place.mailbox]
    files = place.only or sorted(str(path.relative_to(suite)) for path in (suite / "tests").rglob("test_*.py"))
    groups = [files[number :: len(owns)] for number in range(len(owns))]
    found = run(owns, groups)
    expected = set(listed(PASSED))
    if place.only:
        expected &= set(found)
    lost = sorted(name for name in expected if found.get(name, ("missing",))[0] != "passed")
    for _ in range(TRIES - 1):
        if lost:
            again = run(owns[:1], [[selector(name) for name in lost]])
            found.update({name: outcome for name, outcome in again.items() if outcome[0] == "passed"})
            lost = [name for name in lost if found.get(name, ("missing",))[0] != "passed"]
    count = lambda kind: sum(outcome[0] == kind for outcome in found.values())  # noqa: E731
    print(f"{count('passed')} passed, {count('failed')} failed, {count('skipped')} skipped")
    reasons = listed(FAILING)
    for name, (kind, why) in sorted(found.items()):
        if kind == "failed" and name not in expected:
            print(f"  fails: {name}: {reasons.get(name) or why}")
    fresh = sorted(name for name, (kind, _) in found.items() if kind == "passed" and name not in expected)
    if fresh:
        print(f"  {len(fresh)} pass that are not in the list")
    if place.update:
        head = "# Tests of exchangelib 5.6.0 that pass. This list may only grow.\n"
        PASSED.write_text(head + "".join(f"{name}\n" for name in sorted(expected | set(fresh))), encoding="utf-8")
    if lost:
        print(f"{len(lost)} tests of the list fail:")
        for name in lost:
            print(f"  {name}: {found.get(name, ('missing', ''))[1]}")
        sys.exit(1)
    print("OK")


if __name__ == "__main__":
    main()
