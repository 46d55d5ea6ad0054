#!/usr/bin/python3
"""The table of bench/compare: for every piece of work, idem and another program as two processes that run alternately, after a check
that both compute the same numbers."""
import argparse
import functools
import json
import os
import signal
import statistics
import subprocess
import sys
import tempfile

import numpy as np
import peer

CACHE = os.path.join(peer.ROOT, ".cache/peers")
NETS = ["fr_detect", "fr_landmark", "fr_feature", "fr_pose", "fr_expression"]
# Seconds of one side's turn, and those at its start that do not count: caches are cold, and threads that wake up together share a core
# until the scheduler moves them.
TURN, WARM = 0.1, 0.1
# name, batch, rival, at least, what is compared
ROWS = [("stylegan2-256-forward", b, rival, least, "values") for rival, least in (("onnxruntime", 2), ("pytorch", 2.5)) for b in (1, 4)]
ROWS += [("stylegan2-256-grad-w", b, "pytorch", 3, "gradients") for b in (1, 4)]
ROWS += [("generator-64-forward", b, "pytorch", 2, "values") for b in (1, 16)]
ROWS += [("generator-64-grad-w", b, "pytorch", 2, "gradients") for b in (1, 16)]
ROWS += [("gan-iteration-128", 16, "pytorch", 2, "gradients")]
ROWS += [("refine-128", b, "pytorch", 4, "gradients") for b in (1, 4)]
ROWS += [("iteration-256", 6, "pytorch", 2.5, "gradients"), ("iteration-64", 6, "pytorch", 2, "gradients")]
ROWS += [(net + "-forward", b, "onnxruntime", 1, "values") for net in NETS for b in (1, 16)]
# With bfloat16 on both sides.
HALF_ROWS = [("stylegan2-256-forward", 4, "pytorch", 1.8, "values"), ("stylegan2-256-grad-w", 4, "pytorch", 1.8, "gradients"),
             ("gan-iteration-128", 16, "pytorch", 2.5, "gradients"), ("iteration-256", 6, "pytorch", 2.2, "gradients")]


class Side:
    """A process that is stopped while it is idle: its pool of threads would spin on the other side's cores."""

    def __init__(self, command, environment):
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=environment, cwd=peer.ROOT,
                                        start_new_session=True)  # bench_work works in a child: signals go to both

    def __enter__(self):
        if self.answer() != "ready":
            raise RuntimeError(f"{self.process.args[0]} did not answer ready")
        self.signal(signal.SIGSTOP)
        return self

    def __exit__(self, *_):
        self.signal(signal.SIGCONT)
        self.process.stdin.close()
        self.process.wait()

    def signal(self, which):
        try:
            os.killpg(self.process.pid, which)
        except ProcessLookupError:  # it has ended: answer says so
            pass

    def answer(self):
        line = self.process.stdout.readline().strip()
        if not line:
            raise RuntimeError(f"{self.process.args[0]} ended: exit code {self.process.wait()}")
        return line

    def send(self, request):
        self.process.stdin.write(request + "\n")
        self.process.stdin.flush()
        return self.answer()

    def ask(self, request):
        self.signal(signal.SIGCONT)
        line = self.send(request)
        self.signal(signal.SIGSTOP)
        return line

    def turn(self, batch):
        """Elapsed seconds and processor seconds per picture of the runs of one turn; a warm-up run counts if it is as long as a turn."""
        self.signal(signal.SIGCONT)
        times, spent = [], 0
        while spent < WARM + TURN:
            times.append((spent >= WARM or spent == 0, *map(float, self.send("run").split())))
            spent += times[-1][1] * batch
        self.signal(signal.SIGSTOP)
        counted = [t[1:] for t in times[1:] if t[0]]
        return counted or [times[0][1:]]


@functools.lru_cache(maxsize=None)
def blas_core():
    """The required OPENBLAS_CORETYPE, if any: a library older than the processor assumes one without vectors, and PyTorch's transposed
    convolutions, which use its products, then run at a fourth of their speed."""
    ask = "import ctypes; f = ctypes.CDLL('libopenblas.so.0').openblas_get_corename; f.restype = ctypes.c_char_p; print(f().decode())"
    env = {k: v for k, v in os.environ.items() if not k.startswith("OPENBLAS_")}
    core = subprocess.run(["/usr/bin/python3", "-c", ask], capture_output=True, text=True, env=env).stdout.strip()
    with open("/proc/cpuinfo") as f:
        features = next((line.split() for line in f if line.startswith("flags")), [])
    if core not in ("Prescott", "Core2", "Generic"):
        return None
    return "SKYLAKEX" if "avx512bw" in features else "HASWELL" if "avx2" in features else None


def environment(rival, threads):
    """OMP_NUM_THREADS: threads of a pool made before the program knows its number of threads would spin, and count as processor time."""
    env = {k: v for k, v in os.environ.items() if not k.startswith("OPENBLAS_")}
    env["OMP_NUM_THREADS"] = str(threads)
    if rival == "pytorch":  # the allocator keeps what it has
        if blas_core():
            env["OPENBLAS_CORETYPE"] = blas_core()
        env.update({"MALLOC_MMAP_THRESHOLD_": "4294967296", "MALLOC_TRIM_THRESHOLD_": "4294967296", "MALLOC_TOP_PAD_": "268435456"})
    return env


def inside(system):
    """What a command begins with that runs in the root folder of another system, which sees this project at its own path."""
    if not system:
        return []
    script = 'mkdir -p "$0$1" && mount --bind "$1" "$0$1" && mount -t proc proc "$0/proc" && mount --rbind /dev "$0/dev" && ' \
             'root=$0 && shift && exec chroot "$root" "$@"'
    return ["unshare", "--mount", "bash", "-c", script, system, peer.ROOT]


def command(name, batch, rival, args, fed):
    folder, threads = os.path.join(peer.ROOT, "bench/peers"), args.threads
    if rival == "pytorch":
        return inside(args.system) + ["/usr/bin/python3", os.path.join(folder, "pytorch.py"), name, str(batch), str(threads), args.precision]
    net = name.rsplit("-", 1)[0]
    path, free = os.path.join(peer.MODELS, net + ".onnx"), os.path.join(CACHE, net + "-free.onnx")
    if net == "stylegan2-256":
        path = free = os.path.join(CACHE, net + ".onnx")
        if not os.path.exists(path):
            subprocess.run(inside(args.system) + ["/usr/bin/python3", os.path.join(folder, "pytorch.py"), "--export", "256", path], check=True)
    elif not os.path.exists(free):
        subprocess.run(["/usr/bin/python3", os.path.join(folder, "free_batch.py"), path, free], check=True)
    return ["/usr/bin/python3", os.path.join(folder, "onnxruntime.py"), path, str(batch), str(threads), fed, free]


def agree(ours, theirs, kind, folder, half):
    """Values: the largest difference over the largest number. Gradients, and what became of them after a step of Adam, the norm of the
    difference over the norm: a few leaky ReLUs among millions get an input within rounding of zero and take the other slope on the other
    side, which moves the few numbers that each of them reaches by some thousandths of the largest (docs/lab-book.md), but not the whole.
    A wrong or missing term changes the total."""
    values = []
    for side, name in ((ours, "a"), (theirs, "b")):
        path = os.path.join(folder, name)
        side.ask("run")
        side.ask("values " + path)
        values.append(np.fromfile(path, "<f4").astype(np.float64))
    if values[0].shape != values[1].shape:
        raise RuntimeError(f"idem gives {values[0].size} numbers, the rival {values[1].size}")
    size, tolerance = (np.linalg.norm, 1e-2) if kind == "gradients" else (lambda x: np.abs(x).max(), 1e-3)
    if half:
        tolerance = 0.15 if kind == "gradients" else 0.05
    error = float(size(values[0] - values[1]) / size(values[1]))
    if not error <= tolerance:
        raise RuntimeError(f"the two sides do not agree: error {error:.2e} above {tolerance:g}")
    return error


def compare(row, args):
    name, batch, rival, least, kind = row
    work = [os.path.join(peer.ROOT, "build/bench/bench_work"), "--serve", name, "--batch", str(batch), "--threads", str(args.threads),
            "--precision", args.precision]
    with tempfile.TemporaryDirectory(dir=CACHE) as folder, Side(work, environment("idem", args.threads)) as ours:
        fed = os.path.join(folder, "input")
        if rival == "onnxruntime":
            ours.ask("input " + fed)
        with Side(command(name, batch, rival, args, fed), environment(rival, args.threads)) as theirs:
            error = agree(ours, theirs, kind, folder, args.precision == "bf16")
            times, spent, turns = ([], []), 0, 0
            while turns < args.runs or spent < args.seconds:
                for side, list_ in ((ours, times[0]), (theirs, times[1])):
                    turn = side.turn(batch)
                    list_ += [processor if args.cpu else wall for wall, processor in turn]
                    spent += sum(wall for wall, _ in turn) * batch
                turns += 1
            memory = [float(side.ask("memory")) for side in (ours, theirs)]
    median = [statistics.median(t) for t in times]
    spread = [(max(t) - min(t)) / m for t, m in zip(times, median)]
    return {"name": name, "batch": batch, "threads": args.threads, "rival": rival, "precision": args.precision, "seconds_per_picture": median[0],
            "rival_seconds_per_picture": median[1], "spread": spread[0], "rival_spread": spread[1], "ratio": median[1] / median[0],
            "at_least": least, "reached": median[1] / median[0] >= least, "peak_rss_mb": memory[0], "rival_peak_rss_mb": memory[1],
            "runs": len(times[0]), "error": error}


def main():
    parser = argparse.ArgumentParser(prog="bench/compare", description="idem and its rivals in turns; medians, spread (longest less shortest "
                                     "run over the median), ratio, verdict")
    parser.add_argument("--threads", type=int, default=len(os.sched_getaffinity(0)))
    parser.add_argument("--filter", default="", help="only names that contain this")
    parser.add_argument("--seconds", type=float, default=6, help="of runs per row, both sides together")
    parser.add_argument("--runs", type=int, default=3, help="least number of turns")
    parser.add_argument("--batch", type=int, help="use this batch instead of the table's")
    parser.add_argument("--cpu", action="store_true", help="processor time: for one thread on a busy machine")
    parser.add_argument("--precision", choices=("f32", "bf16"), default="f32", help="of both sides; bf16: the rows that allow it")
    parser.add_argument("--system", metavar="DIR", help="PyTorch of the Debian 13 in this folder, which bench/compare makes if it is empty; "
                        "as root")
    parser.add_argument("--json", action="store_true", help="one object per line")
    args = parser.parse_args()
    failed, ratios = 0, []
    if not args.json:
        print("| work | batch | rival | idem ms | rival ms | spread | ratio | at least | | peak MB, idem and rival |")
        print("|---|---|---|---|---|---|---|---|---|---|")
    table = HALF_ROWS if args.precision == "bf16" else ROWS
    rows = table if not args.batch else list(dict.fromkeys((r[0], args.batch, *r[2:]) for r in table))
    for row in rows:
        if args.filter not in row[0]:
            continue
        try:
            r = compare(row, args)
        except (RuntimeError, OSError, subprocess.CalledProcessError) as e:
            print(f"bench/compare: {row[0]} batch {row[1]} against {row[2]}: {e}", file=sys.stderr)
            failed += 1
            continue
        if row[0].startswith("fr_"):
            ratios.append(r["ratio"])
        if args.json:
            print(json.dumps(r), flush=True)
        else:
            print(f"| {r['name']} | {r['batch']} | {r['rival']} | {r['seconds_per_picture'] * 1e3:.2f} | "
                  f"{r['rival_seconds_per_picture'] * 1e3:.2f} | {r['spread']:.0%}, {r['rival_spread']:.0%} | {r['ratio']:.2f}x | "
                  f"{r['at_least']:g}x | {'yes' if r['reached'] else 'no'} | {r['peak_rss_mb']:.0f}, {r['rival_peak_rss_mb']:.0f} |", flush=True)
    if ratios and not args.json:
        print(f"\nONNX networks, geometric mean: {statistics.geometric_mean(ratios):.2f}x (at least 1.2x)")
    sys.exit(1 if failed else 0)


if __name__ == "__main__":
    main()
