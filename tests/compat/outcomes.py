"""Runs one module of tests and prints what became of each test, a line each:

    @@ {"test": "test.test_os.FileTests.test_access", "is": "ok"}

The same script runs on the host and in the guest; tests/compat/run compares. Tests named on the
standard input, a line each, are left out, or with --only nothing else is run. A test that takes
longer than the limit ends the process; the last line "@@ {"begin": …}" says which one it was.
"""
import argparse
import faulthandler
import importlib
import json
import os
import re
import sys
import tempfile
import traceback
import unittest

START_PROCESS = re.compile(r"_fork_exec|os\.fork|forkpty|posix_spawn|spawn_func|os\.spawn|start_new_process")


def say(**what):
    # To the descriptor, for tests replace sys.stdout; on a line of its own, for tests print.
    os.write(1, b"\n@@ " + json.dumps(what).encode() + b"\n")


def text_of(error):
    return "".join(traceback.format_exception(*error))


def reason(text):
    lines = [line for line in text.splitlines() if line.strip()]
    return lines[-1].strip()[:300] if lines else ""


def needs_process(text):
    """Did it fail because a second process was refused?"""
    return "Errno 38" in text and START_PROCESS.search(text) is not None


class Outcomes(unittest.TestResult):
    """Tells each test's outcome when it ends; a failing part of a test makes the test fail."""

    def __init__(self, limit):
        super().__init__()
        self.limit = limit
        self.outcome = None

    def startTest(self, test):
        super().startTest(test)
        self.outcome = {"is": "ok"}
        say(begin=test.id())
        faulthandler.dump_traceback_later(self.limit, exit=True)

    def stopTest(self, test):
        faulthandler.cancel_dump_traceback_later()
        super().stopTest(test)
        say(test=test.id(), **self.outcome)
        self.outcome = None

    def note(self, test, outcome, text):
        what = {"is": outcome, "why": reason(text)}
        if needs_process(text):
            what["process"] = True
        print(text, file=sys.stderr, flush=True)
        if self.outcome is None:  # setUpClass, setUpModule: not a test
            say(test=test.id(), **what)
        elif self.outcome["is"] not in ("fail", "error"):  # the first tells most
            self.outcome = what

    def addError(self, test, err):
        self.note(test, "error", text_of(err))

    def addFailure(self, test, err):
        self.note(test, "fail", text_of(err))

    def addSubTest(self, test, subtest, err):
        if err is not None:
            failed = issubclass(err[0], test.failureException)
            self.note(test, "fail" if failed else "error", text_of(err))

    def addSkip(self, test, reason):
        if self.outcome is None:
            say(test=test.id(), **{"is": "skip", "why": reason})
        elif self.outcome["is"] == "ok":
            self.outcome = {"is": "skip", "why": reason}

    def addExpectedFailure(self, test, err):
        self.outcome = {"is": "expected failure"}

    def addUnexpectedSuccess(self, test):
        self.outcome = {"is": "unexpected success"}


def tests_of(suite):
    for test in suite:
        if isinstance(test, unittest.TestSuite):
            yield from tests_of(test)
        elif test is not None:
            yield test


def run_unittest(name, chosen, limit):
    from test import support
    support.use_resources = []  # as `python3 -m test` does without -u
    result = Outcomes(limit)

    def run(suite):
        unittest.TestSuite(t for t in tests_of(suite) if chosen(t.id()))(result)

    support._run_suite = run
    module = importlib.import_module(name)
    if hasattr(module, "test_main"):
        module.test_main()
    else:
        run(unittest.defaultTestLoader.loadTestsFromModule(module))


class PytestOutcomes:
    """The same for pytest; its own watch is off, so that a test that hangs ends the process."""

    def __init__(self, chosen, limit):
        self.chosen = chosen
        self.limit = limit
        self.outcome = None

    def pytest_collection_modifyitems(self, items):
        items[:] = [item for item in items if self.chosen(item.nodeid)]

    def pytest_collectreport(self, report):
        if report.failed:
            print(report.longrepr, file=sys.stderr, flush=True)
            say(test=report.nodeid, **{"is": "error", "why": reason(str(report.longrepr))})

    def pytest_runtest_logstart(self, nodeid):
        self.outcome = {"is": "ok"}
        say(begin=nodeid)
        faulthandler.dump_traceback_later(self.limit, exit=True)

    def pytest_runtest_logreport(self, report):
        if hasattr(report, "wasxfail"):
            self.outcome = {"is": "expected failure" if report.skipped else "unexpected success"}
        elif report.skipped:
            self.outcome = {"is": "skip", "why": reason(str(report.longrepr))}
        elif report.failed:
            text = str(report.longrepr)
            print(text, file=sys.stderr, flush=True)
            self.outcome = {"is": "fail" if report.when == "call" else "error", "why": reason(text)}
            if needs_process(text):
                self.outcome["process"] = True

    def pytest_runtest_logfinish(self, nodeid):
        faulthandler.cancel_dump_traceback_later()
        say(test=nodeid, **self.outcome)


def run_pytest(name, chosen, limit):
    import pytest
    pytest.main(["-q", "-p", "no:cacheprovider", "-p", "no:faulthandler", "-o", "addopts=",
                 "-m", "not slow", "--pyargs", name], plugins=[PytestOutcomes(chosen, limit)])


def main():
    arguments = argparse.ArgumentParser()
    arguments.add_argument("--limit", type=float, default=300)
    arguments.add_argument("--only", action="store_true")
    arguments.add_argument("--pytest", action="store_true")
    arguments.add_argument("module")
    options = arguments.parse_args()
    named = set(sys.stdin.read().split("\n"))
    sys.argv = [options.module]
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        os.chdir(folder)
        try:
            run = run_pytest if options.pytest else run_unittest
            run(options.module, lambda test: (test in named) == options.only, options.limit)
        except unittest.SkipTest as skip:
            say(test=options.module, **{"is": "skip", "why": str(skip)})
        os.chdir("/")
    say(end=options.module)


main()
