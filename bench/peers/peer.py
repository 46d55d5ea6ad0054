"""Shared by the Python sides of the comparison: the dialogue of `bench_work --serve`, and paths.

A peer prepares one piece of work, answers "ready", and obeys standard input: "run" answers seconds passed and processor seconds a picture,
"values FILE" writes what both sides have to agree on as raw floats, "memory" answers peak megabytes.
"""
import os
import resource
import sys
import time

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
MODELS = os.environ.get("IDEM_MODELS", os.path.join(ROOT, "models/cache"))
sys.path.insert(0, os.path.join(ROOT, "tests/oracle"))


def serve(run, values, pictures):
    """run() does the work once, values() gives a numpy array."""
    print("ready", flush=True)
    for line in sys.stdin:
        request = line.split()
        if request[0] == "run":
            wall, processor = time.monotonic(), time.process_time()
            run()
            print(f"{(time.monotonic() - wall) / pictures:.6f} {(time.process_time() - processor) / pictures:.6f}", flush=True)
        elif request[0] == "values":
            values().astype("<f4").tofile(request[1])
            print("ok", flush=True)
        elif request[0] == "memory":
            print(f"{resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024:.1f}", flush=True)


def quicker(variants):
    """The variant (name, function) whose fastest run takes the least processor time, after one to warm up; its name is reported."""
    best = None
    for name, run in variants:
        run()
        begin, spent = time.process_time(), float("inf")
        while spent == float("inf") or time.process_time() - begin < 0.2:
            start = time.process_time()
            run()
            spent = min(spent, time.process_time() - start)
        if best is None or spent < best[0]:
            best = spent, name, run
    print(f"peer: {best[1]}", file=sys.stderr)
    return best[2]
