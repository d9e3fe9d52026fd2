#!/usr/bin/env python3
"""The library beside its peers: PyTorch, JAX, ONNX Runtime, each in a process of its own, taking turns in short slices.

    peers.py --programs DIR [--python PYTHON] [--seconds S] [--only SECTION,...] [--json FILE] [--markdown FILE]

DIR has bench_worker and the other programs. PYTHON is an interpreter that has the peers; one that is not installed is
left out, by name. What is compared is the fastest slice of each contender: shared machines switch between speeds within
seconds, and a contender that is measured alone may have met the slow one. docs/performance.md says what each figure
means.
"""
import argparse
import gzip
import json
import os
import pathlib
import random
import re
import shutil
import signal
import statistics
import subprocess
import sys
import tempfile
import time

HERE = pathlib.Path(__file__).resolve().parent
SMALL, LARGE = "784-128-64-32", "784-1000-500-250-30"
ROWS = 60000
PAUSE = 0.002  # between slices, for pools that spin after their work


class Server:
    """A process that does jobs and says how long they took."""

    def __init__(self, name, threads, command, environment, ours=False):
        self.name, self.threads, self.ours = name, threads, ours
        self.process = subprocess.Popen([str(part) for part in command], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                        stderr=subprocess.PIPE, text=True, env=environment)
        answer = self.process.stdout.readline().strip()
        self.good = answer.startswith("ready ")
        self.version = answer[len("ready "):]
        self.problem = "" if self.good else (self.process.stderr.read().strip().splitlines() or ["no answer"])[-1]
        self.jobs = self.ask("jobs").split() if self.good else []

    def ask(self, line):
        self.process.stdin.write(line + "\n")
        self.process.stdin.flush()
        return self.process.stdout.readline().strip()

    def run(self, job, count):
        """Seconds, and seconds of processor time, of each of count."""
        answer = self.ask("%s %d" % (job, count))
        try:
            seconds, cpu = map(float, answer.split())
            return seconds / count, cpu / count
        except ValueError:
            sys.exit("%s: %s %d: %r\n%s" % (self.name, job, count, answer, self.process.stderr.read()))

    def close(self):
        self.process.stdin.close()
        self.process.stdout.close()
        self.process.stderr.close()
        self.process.wait()


class Bench:
    def __init__(self, options, folder):
        self.options = options
        self.folder = folder
        self.programs = pathlib.Path(options.programs)
        self.threads = thread_counts(os.cpu_count() or 1)
        self.environment = dict(os.environ)
        self.data = folder / "rows"
        self.data_name = write_data(self.data, os.environ.get("AENC_DATA_DIR", ""), ROWS)
        self.tiny = folder / "row"
        self.tiny.write_bytes(self.data.read_bytes()[: 128 * 784])
        self.results = []
        self.left_out = {}
        self.info = self.right_kernels()

    def worker(self, network, batch, threads, data=None, environment=None):
        command = [self.programs / "bench_worker", network, batch, threads, data or self.data]
        return Server("libautoenc", threads, command, environment or self.environment, ours=True)

    def peer(self, kind, network, batch, threads, data=None, variant=None):
        """None when it is not installed."""
        if kind in self.left_out:
            return None
        command = [self.options.python, HERE / ("serve_%s.py" % kind), network, batch, threads, data or self.data]
        server = Server(kind, threads, command + ([variant] if variant else []), self.environment)
        if not server.good:
            self.left_out[kind] = server.problem
            server.close()
            return None
        server.name = server.version + (", " + variant if variant == "compile" else "")
        return server

    def right_kernels(self):
        """OpenBLAS may take a new processor for an old one; the library knows the remedy, which is then set for all."""
        server = self.worker(SMALL, 128, 1, self.tiny)
        info = server.ask("info")
        server.close()
        self.plain_environment = dict(self.environment)
        remedy = re.sub(r".*set OPENBLAS_CORETYPE=(\w+).*|.*", r"\1", info)
        if remedy:
            self.environment["OPENBLAS_CORETYPE"] = remedy
            print("OPENBLAS_CORETYPE=%s is set for these measurements. Without:\n" % remedy)
        return info

    def add(self, section, subject, who, value, unit, note=""):
        before = self.results[-1] if self.results else {"section": "", "subject": ""}
        if (before["section"], before["subject"]) != (section, subject):
            print("%s: %s" % (section, subject))
        print("    %-58s %10.4g %-12s %s" % (who, value, unit, note), flush=True)
        self.results.append({"section": section, "subject": subject, "who": who, "value": value, "unit": unit,
                             "note": note})

    def servers(self, job, network, batch, kinds, data=None):
        """The library's and the peers' on every thread count, as far as they know the job."""
        found = [self.worker(network, batch, n, data) for n in self.threads]
        for kind in kinds:
            found += [self.peer(kind, network, batch, n, data) for n in self.threads]
        found = [server for server in found if server is not None]
        for server in found:
            if job not in server.jobs:
                server.close()
        return [server for server in found if job in server.jobs]


def thread_counts(cores):
    counts, n = [], 1
    while n < cores:
        counts.append(n)
        n *= 2
    return counts + [cores]


def write_data(path, data_dir, rows):
    """Bytes: the MNIST digits where they are, else random."""
    digits = pathlib.Path(data_dir) / "mnist" / "train-images-idx3-ubyte.gz"
    if data_dir and digits.is_file():
        with gzip.open(digits) as file:
            path.write_bytes(file.read()[16 : 16 + rows * 784])
        return "MNIST"
    path.write_bytes(random.Random(1).randbytes(rows * 784))
    return "random bytes"


def race(contenders, seconds):
    """contenders: {key: function that answers what it took}; {key: all its slices}. The first round warms up."""
    for work in contenders.values():
        work()
    slices = {key: [] for key in contenders}
    end = time.monotonic() + seconds
    while time.monotonic() < end or len(next(iter(slices.values()))) < 3:
        for key, work in contenders.items():
            slices[key].append(work())
            time.sleep(PAUSE)
    return slices


def fastest(slices):
    """{key: (seconds, processor seconds)}"""
    return {key: tuple(map(min, zip(*values))) for key, values in slices.items()}


def compare(bench, section, subject, best, scale, unit, loss=False):
    """best: {(server, job): (seconds, cpu)}. Ratios are against the library's fastest; those of processor time, which
    a busy machine does not distort, against the library on one thread."""
    ours = min(value[0] for (server, _), value in best.items() if server.ours)
    cpu = min(value[1] for (server, _), value in best.items() if server.ours and server.threads == 1)
    for (server, job), value in best.items():
        name = "%s (%s), %s" % (server.name, job, threads_text(server.threads))
        note = "%.2f of ours" % (value[0] / ours)
        if server.threads == 1:
            note += "; by processor time %.2f" % (value[1] / cpu)
        if loss:
            note += "; loss " + server.ask("loss")
        bench.add(section, subject, name, scale * value[0], unit, note)


def threads_text(n):
    return "%d thread%s" % (n, "" if n == 1 else "s")


# ---- Sections ----


def products(bench):
    """The training step beside the bare products, in one process."""
    command = [bench.programs / "bench_step", "--seconds", str(bench.options.seconds / 8)]
    output = subprocess.run(command, env=bench.environment, check=True, stdout=subprocess.PIPE,
                            stderr=subprocess.DEVNULL, text=True).stdout
    for line in map(json.loads, output.splitlines()):
        bench.add("products", "%s, batch %d" % (line["network"], line["batch"]),
                  "%s, %s" % (line["what"], threads_text(line["threads"])), 1e6 * line["seconds"], "us a step",
                  "%.2f of the products" % line["of_products"] +
                  ("; by processor time %.2f" % line["cpu_of_products"] if line["cpu"] > 0 else ""))


def penalty(bench):
    """A training step with a penalty beside the plain one, in one process."""
    specs = ["contractive:weight=0.1", "contractive:weight=0.1,probes=1", "contractive:weight=0.1,probes=4"]
    for network, activation in ((SMALL, "sigmoid"), (SMALL, "relu"), ("784-1000", "sigmoid")):
        for threads in bench.threads:
            command = [bench.programs / "bench_penalty", "--seconds", str(bench.options.seconds / 4), "--threads",
                       str(threads), "--activation", activation, network, "128"] + specs
            output = subprocess.run(command, env=bench.environment, check=True, stdout=subprocess.PIPE,
                                    stderr=subprocess.DEVNULL, text=True).stdout
            for line in map(json.loads, output.splitlines()):
                bench.add("penalty", "%s, %s, batch 128, %s" % (network, activation, threads_text(threads)), line["what"],
                          1e6 * line["seconds"], "us a step", "%.2f of the plain step" % line["of_plain"])


def train(bench):
    """Steps of training, scaled to an epoch of 60,000 rows."""
    for network, batch, count in ((SMALL, 128, 13), (LARGE, 128, 2), (SMALL, 32, 39), (SMALL, 1024, 2)):
        servers = bench.servers("step", network, batch, ("torch", "jax"))
        contenders = {(s, "step"): (lambda s=s: s.run("step", count)) for s in servers}
        contenders.update({(s, "fit"): (lambda s=s: s.run("fit", count)) for s in servers if "fit" in s.jobs})
        best = fastest(race(contenders, bench.options.seconds))
        compare(bench, "train", "%s, batch %d" % (network, batch), best, 1e3 * ROWS / batch, "ms an epoch", loss=True)
        for server in servers:
            server.close()


def variational(bench):
    """Steps of a variational autoencoder, with one draw and with five of each row."""
    ours = {}
    for samples in (1, 5):
        network = "784-400-20/%d" % samples
        servers = bench.servers("step", network, 128, ("torch",))
        contenders = {(s, "step"): (lambda s=s: s.run("step", 12 // samples + 1)) for s in servers}
        best = fastest(race(contenders, bench.options.seconds))
        compare(bench, "variational", "%s, batch 128" % network, best, 1e6, "us a step", loss=True)
        ours[samples] = {s.threads: value[0] for (s, _), value in best.items() if s.ours}
        for server in servers:
            server.close()
    for threads, seconds in ours[5].items():
        bench.add("variational", "784-400-20, five draws", threads_text(threads), seconds / ours[1][threads], "times",
                  "the step with one draw")


def row(bench):
    """One row encoded and decoded, one call at a time."""
    servers = bench.servers("row", SMALL, 128, ("torch", "onnx"), bench.tiny)
    contenders = {(s, job): (lambda s=s, job=job: s.run(job, 100))
                  for s in servers for job in s.jobs if job.endswith("row")}
    compare(bench, "row", SMALL, fastest(race(contenders, bench.options.seconds)), 1e6, "us a row")
    for server in servers:
        server.close()


def rows(bench):
    """60,000 rows encoded and decoded."""
    servers = bench.servers("rows", SMALL, 128, ("torch", "onnx"))
    contenders = {(s, job): (lambda s=s, job=job: s.run(job, 1))
                  for s in servers for job in s.jobs if job.startswith("rows")}
    compare(bench, "rows", SMALL, fastest(race(contenders, bench.options.seconds)), 1e3, "ms")
    for server in servers:
        server.close()


def spinner():
    """A process that keeps the last core busy, where one can be chosen; stopped until it is wanted."""
    code = """import os
if hasattr(os, "sched_setaffinity"):
    os.sched_setaffinity(0, {%d})
parent = os.getppid()
while os.getppid() == parent:
    pass""" % ((os.cpu_count() or 1) - 1)
    process = subprocess.Popen([sys.executable, "-c", code])
    time.sleep(0.2)
    process.send_signal(signal.SIGSTOP)
    return process


def busy(bench):
    """An epoch on all threads, alone and with another busy process on one core. Medians are told too: an epoch may be
    lucky and run while the other process waits."""
    steps = ROWS // 128
    cores = bench.threads[-1]
    servers = [bench.worker(SMALL, 128, cores), bench.peer("torch", SMALL, 128, cores)]
    servers = [server for server in servers if server is not None]
    other = spinner()

    def epoch(server, beside):
        other.send_signal(signal.SIGCONT if beside else signal.SIGSTOP)
        time.sleep(0.01)
        seconds = steps * server.run("step", steps)[0]
        other.send_signal(signal.SIGSTOP)
        return seconds

    try:
        contenders = {(s, beside): (lambda s=s, beside=beside: epoch(s, beside)) for s in servers
                      for beside in (False, True)}
        slices = race(contenders, bench.options.seconds)
    finally:
        other.kill()
        other.wait()
    for server in servers:
        alone, beside = slices[server, False], slices[server, True]
        for what, values in (("alone", alone), ("beside a busy process", beside)):
            longer = (min(values) / min(alone), statistics.median(values) / statistics.median(alone))
            note = "median %.0f ms; %.2f times alone, by medians %.2f" % (1e3 * statistics.median(values), *longer)
            bench.add("busy", SMALL + ", batch 128", "%s, %s, %s" % (server.name, threads_text(cores), what),
                      1e3 * min(values), "ms an epoch", note)
        server.close()


def first(bench):
    """From the start of a process to the end of one that has scored a row."""
    model, onnx = bench.folder / "model.safetensors", bench.folder / "model.onnx"
    program = bench.programs / "bench_first"
    subprocess.run([program, model, SMALL], check=True, env=bench.environment)

    def ours():
        begin = time.monotonic()
        subprocess.run([program, model], check=True, env=bench.environment, stdout=subprocess.DEVNULL)
        return time.monotonic() - begin

    def peer(kind, variant):
        begin = time.monotonic()
        server = bench.peer(kind, SMALL, 128, 1, bench.tiny, variant)
        server.run("row", 1)
        seconds = time.monotonic() - begin
        server.close()
        return seconds

    contenders = {"libautoenc": ours}
    for kind, variant in (("torch", None), ("onnx", str(onnx))):
        server = bench.peer(kind, SMALL, 128, 1, bench.tiny, variant)
        if server is not None:
            contenders[server.version] = lambda kind=kind, variant=variant: peer(kind, variant)
            server.close()
    best = {name: min(values) for name, values in race(contenders, bench.options.seconds).items()}
    for name, value in best.items():
        bench.add("first", SMALL, name, 1e3 * value, "ms", "%.1f of ours" % (value / best["libautoenc"]))


def memory(bench):
    """Peak memory of a training process, beside what must be there."""
    for network, batch, threads in ((SMALL, 128, 1), (SMALL, 128, bench.threads[-1]), (LARGE, 128, bench.threads[-1])):
        command = [bench.programs / "bench_memory", network, str(batch), str(ROWS), str(threads)]
        output = subprocess.run(command, check=True, env=bench.environment, stdout=subprocess.PIPE, text=True).stdout
        told = json.loads(output)
        bench.add("memory", "%s, batch %d" % (network, batch), "peak, " + threads_text(threads), told["peak"], "MB",
                  "data %(data).1f, model, gradient, moments %(model).1f, two batches %(batches).1f; beyond these "
                  "%(overhead).1f" % told)


def size(bench):
    """The library as it would be shipped."""
    library = next(iter(sorted(bench.programs.glob("../../lib/libautoenc.so.*.*.*"))), None)
    if library is None or shutil.which("strip") is None:
        bench.left_out["size"] = "no shared library, or no strip"
        return
    stripped = bench.folder / "stripped"
    subprocess.run(["strip", "-o", stripped, library], check=True)
    bench.add("size", library.name, "stripped", stripped.stat().st_size / 1e3, "kB")


def kernels(bench):
    """What OPENBLAS_CORETYPE is worth, where OpenBLAS takes this processor for an older one."""
    if bench.plain_environment == bench.environment:
        return
    servers = {"as OpenBLAS chooses": bench.worker(SMALL, 128, 1, environment=bench.plain_environment),
               "with OPENBLAS_CORETYPE=" + bench.environment["OPENBLAS_CORETYPE"]: bench.worker(SMALL, 128, 1)}
    contenders = {name: (lambda server=server: server.run("step", 13)[0]) for name, server in servers.items()}
    best = {name: min(values) for name, values in race(contenders, bench.options.seconds).items()}
    for name, value in best.items():
        bench.add("kernels", SMALL + ", batch 128, 1 thread", name, 1e6 * value, "us a step",
                  "%.2f of the fastest" % (value / min(best.values())))
    for server in servers.values():
        server.close()


SECTIONS = {function.__name__: function
            for function in (products, penalty, train, variational, row, rows, busy, memory, size, first, kernels)}


# ---- Reporting ----


def markdown(results):
    lines = ["| section | subject | who | | |", "|---|---|---|---:|---|"]
    for r in results:
        lines.append("| %s | %s | %s | %.4g %s | %s |" % (r["section"], r["subject"], r["who"], r["value"], r["unit"],
                                                          r["note"]))
    return "\n".join(lines)


def main():
    parser = argparse.ArgumentParser(description="The library beside its peers; see docs/performance.md.")
    parser.add_argument("--programs", required=True)
    parser.add_argument("--python", default=os.environ.get("AENC_BENCH_PYTHON", sys.executable))
    parser.add_argument("--seconds", type=float, default=30, help="for each subject of a section")
    parser.add_argument("--only", default=",".join(SECTIONS), help="of " + ",".join(SECTIONS))
    parser.add_argument("--json")
    parser.add_argument("--markdown")
    options = parser.parse_args()
    unknown = [name for name in options.only.split(",") if name not in SECTIONS]
    if unknown:
        parser.error("unknown section '%s'; known: %s" % (unknown[0], ", ".join(SECTIONS)))
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    with tempfile.TemporaryDirectory() as folder:
        bench = Bench(options, pathlib.Path(folder))
        print("%s\ndata: %s; %d cores, load %.1f\n" % (bench.info.replace("\t", "\n"), bench.data_name,
                                                     os.cpu_count() or 1, os.getloadavg()[0]), flush=True)
        for name in options.only.split(","):
            SECTIONS[name](bench)
    for name, why in bench.left_out.items():
        print("left out: %s: %s" % (name, why))
    if options.json:
        pathlib.Path(options.json).write_text("".join(json.dumps(r) + "\n" for r in bench.results))
    if options.markdown:
        pathlib.Path(options.markdown).write_text(markdown(bench.results) + "\n")


if __name__ == "__main__":
    main()
