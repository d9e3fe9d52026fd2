"""What the servers of peers.py share: the line protocol of worker.c and the data.

A server is started as  serve_X.py NETWORK BATCH THREADS DATA [VARIANT]  and prints "ready" and what it is. A line
"JOB COUNT" is answered by the seconds that it took and the seconds that its threads had a processor, "jobs" by the
names of the jobs, "loss" by the loss of the last step.
"""
import sys
import time


class Setting:
    def __init__(self, arguments):
        import numpy

        widths, _, samples = arguments[0].partition("/")
        self.samples = int(samples or 0)  # of a variational autoencoder; 0: a plain one
        self.widths = [int(width) for width in widths.split("-")]
        self.widths += self.widths[-2::-1]
        self.code = len(self.widths) // 2  # the layer, from 1, whose output is the code: no activation behind it
        self.batch = int(arguments[1])
        self.threads = int(arguments[2])
        self.data = numpy.fromfile(arguments[3], dtype=numpy.uint8).reshape(-1, self.widths[0])
        self.data = self.data.astype(numpy.float32) / numpy.float32(255)
        self.variant = arguments[4] if len(arguments) > 4 else ""
        self.batches = len(self.data) // self.batch

    def activation(self, layer):
        """Of layer 1 and on: as the library's networks, ReLU but for the code and the output."""
        if layer == len(self.widths) - 1:
            return "sigmoid"
        return "identity" if layer == self.code else "relu"


def timed(work, count):
    begin, begin_cpu = time.perf_counter(), time.process_time()
    work(count)
    return time.perf_counter() - begin, time.process_time() - begin_cpu


def serve(name, jobs, loss=None):
    """jobs: {name: function of count that answers what timed does}"""
    print("ready", name, flush=True)
    for line in sys.stdin:
        words = line.split()
        if words[0] == "jobs":
            print(" ".join(jobs), flush=True)
        elif words[0] == "loss":
            print("%.6f" % loss(), flush=True)
        elif words[0] in jobs:
            print("%.9f %.9f" % jobs[words[0]](int(words[1])), flush=True)
        else:
            print("no job", words[0], flush=True)
