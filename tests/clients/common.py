"""What the Python clients share: where the server is, and steps that are named when they fail."""

import argparse
import sys
import time
import traceback

TENANT = "11111111-2222-3333-4444-555555555555"
CLIENT = "22222222-0000-0000-0000-000000000001"
SECRET = "any secret"


def options(description):
    """Reads where the server is from the command line."""
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("--http", help="base URL without TLS")
    parser.add_argument("--https", help="base URL with TLS; absent for the real host names through a proxy")
    parser.add_argument("--mailbox", default="alice@contoso.test")
    parser.add_argument("--other", default="bob@contoso.test", help="a second mailbox of the server")
    parser.add_argument("--throttled", action="store_true", help="every fifth request is refused")
    return parser.parse_args()


class Failed(AssertionError):
    """What came back is not what was expected."""


def same(what, got, expected):
    """Two values must be equal."""
    if got != expected:
        raise Failed(f"{what}: got {got!r}, expected {expected!r}")


def holds(what, condition, *seen):
    """A condition must hold."""
    if not condition:
        raise Failed(f"{what}: {seen!r}")


class Steps:
    """Runs named steps one after the other, so that one failure does not hide the rest."""

    def __init__(self):
        self.failures = []

    def run(self, name, step, *arguments):
        began = time.monotonic()
        try:
            result = step(*arguments)
        except Exception as error:  # noqa: BLE001 - whatever a client raises is a finding
            self.note(name, error)
            return None
        print(f"  {name}: {time.monotonic() - began:.2f} s", flush=True)
        return result

    async def arun(self, name, step, *arguments):
        began = time.monotonic()
        try:
            result = await step(*arguments)
        except Exception as error:  # noqa: BLE001
            self.note(name, error)
            return None
        print(f"  {name}: {time.monotonic() - began:.2f} s", flush=True)
        return result

    def note(self, name, error):
        self.failures.append(name)
        print(f"  {name}: FAILED {type(error).__name__}: {error}", flush=True)
        if not isinstance(error, Failed):
            traceback.print_exception(error, file=sys.stdout)

    def end(self):
        """Says how it went; the last line is OK if nothing failed."""
        if self.failures:
            print(f"{len(self.failures)} steps failed: {', '.join(self.failures)}")
            sys.exit(1)
        print("OK")
