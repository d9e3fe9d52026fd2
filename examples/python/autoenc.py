"""autoenc.py - libautoenc from Python: ctypes and NumPy, in one file to copy and to extend.

The library's own names are kept: an option is the field of the struct in autoenc.h, and a failure is an Error with the
library's message. docs/embedding.md states the rules; what this file does about them:

    threads     The header lets one thread at a time use a context and what belongs to it. ctypes gives the GIL away for
                each call, so a context has a lock that its calls hold. Runners have a lock each and run side by side.
    lifetimes   An object of this file refers to its context's core, which owns the context's handle and every callback
                that was registered. The garbage collector may drop objects on any thread: what it drops while another
                thread is inside a call is freed by that thread when its call has returned.
    exceptions  One that is raised in a callback is kept, the call is ended, and the exception goes on from there.
    Ctrl-C      While the library is on the stack the signal is noted, not raised, since a KeyboardInterrupt between the
                library and a callback would be lost. Fits look every step; it is raised when the call has returned.
    fork        A child uses what it inherits. A context that another thread was using at the fork is only freed there.
"""
import ctypes as c
import operator
import os
import signal
import sys
import threading
import weakref

import numpy as np

# ---- The header: constants, structs, functions ----

OK, ERR_ARGUMENT, ERR_BUSY = 0, -10, -110
PLUGIN = {"layer": 10, "loss": 20, "penalty": 30, "corruption": 40, "bottleneck": 50}
RUN = {"encode": 10, "decode": 20, "reconstruct": 30, "score": 40, "score_features": 50}
STOPPED = {"not": 0, "end": 10, "callback": 20, "cancel": 30, "patience": 40, "source": 50}
EVENT = {"step": 10, "epoch": 20}
TYPE = {"f32": 10, "i32": 20, "u8": 30}
PORT = {"field": 10, "result": 20}
RULE = {"number": 10, "unit": 20, "binary": 30, "classes": 40, "length": 50}

pointer, text, size, i32, i64, u64, double = (c.c_void_p, c.c_char_p, c.c_size_t, c.c_int32, c.c_int64, c.c_uint64,
                                              c.c_double)
sizes, texts, i32s, floats = c.POINTER(size), c.POINTER(text), c.POINTER(i32), c.POINTER(c.c_float)


def members(*kinds):
    """members(size, "rows cols", ...): a struct's members in their order."""
    return [(name, kind) for kind, names in zip(kinds[::2], kinds[1::2]) for name in names.split()]


class Matrix(c.Structure):
    _fields_ = members(pointer, "data", size, "rows cols stride")


class Array(c.Structure):
    _fields_ = members(size, "struct_size", text, "name", pointer, "data", size, "size", sizes, "dims", c.POINTER(i64),
                       "strides", size, "rank", i32, "type device")


class Port(c.Structure):
    _fields_ = members(size, "struct_size", text, "name", size, "rank", size * 6, "dims", size, "size", i64, "count",
                       i32, "kind type rule trained")


class Fill(c.Structure):
    _fields_ = members(size, "struct_size rows got field_count", c.POINTER(pointer), "data", sizes, "size")


matrix_pointer, arrays_pointer = c.POINTER(Matrix), c.POINTER(c.POINTER(Array))
READ, SEEK = c.CFUNCTYPE(c.c_int, pointer, c.POINTER(Fill)), c.CFUNCTYPE(c.c_int, pointer, u64)


class Stream(c.Structure):
    _fields_ = members(size, "struct_size", arrays_pointer, "fields", size, "field_count", u64, "rows", READ, "read",
                       SEEK, "seek", pointer, "release user", i64, "read_ahead")


class Progress(c.Structure):
    _fields_ = members(size, "struct_size", i64, "event epoch epochs step steps", double,
                       "train_loss valid_loss learning_rate gradient_norm seconds best_valid_loss", i64, "best_epoch")


class Sums(c.Structure):
    _fields_ = members(size, "struct_size", floats, "gradients", size, "gradient_count", c.POINTER(double), "terms", size,
                       "term_count", double, "weight")


PROGRESS = c.CFUNCTYPE(c.c_int, pointer, c.POINTER(Progress))
REDUCE = c.CFUNCTYPE(c.c_int, pointer, c.POINTER(Sums))
OPERATE = c.CFUNCTYPE(c.c_int, pointer, pointer)
RELEASE = c.CFUNCTYPE(None, pointer)
BUILD = {count: c.CFUNCTYPE(pointer, pointer, pointer, *[pointer] * count) for count in (1, 2, 3)}


class ContextOptions(c.Structure):
    _fields_ = members(size, "struct_size", u64, "seed", i64, "threads", pointer, "allocate release allocator_user",
                       text, "blas_threads", pointer, "error", size, "error_size")


class ModelOptions(c.Structure):
    _fields_ = members(size, "struct_size", sizes, "input", size, "input_rank", sizes, "encoder_widths", size,
                       "encoder_count", sizes, "decoder_widths", size, "decoder_count", text,
                       "activation code_activation output loss init", pointer, "encoder_layers decoder_layers", texts,
                       "penalties", size, "penalty_count", texts, "corruptions", size, "corruption_count", i64, "tied",
                       text, "scaling bottleneck", texts, "fields", size, "field_count", texts, "conditions", size,
                       "condition_count", c.POINTER(u64), "seed", texts, "aliases", size, "alias_count")


class FitOptions(c.Structure):
    _fields_ = members(size, "struct_size", text, "optimizer schedule", i64, "epochs batch", matrix_pointer,
                       "target valid valid_target", double, "validation_fraction", i64, "patience", double,
                       "min_improvement clip_norm clip_value", PROGRESS, "progress", pointer, "progress_user", i64,
                       "steps_per_epoch", text, "checkpoint", i64, "checkpoint_steps", double, "checkpoint_seconds",
                       i64, "resume", i32s, "labels", size, "label_count", i32s, "valid_labels", size,
                       "valid_label_count", text, "run_key", floats, "weight", size, "weight_count", floats,
                       "valid_weight", size, "valid_weight_count", pointer, "valid_source", arrays_pointer, "fields",
                       size, "field_count", REDUCE, "reduce", pointer, "reduce_user")


class RunnerOptions(c.Structure):
    _fields_ = members(size, "struct_size", i64, "task rows", pointer, "memory", size, "memory_size", texts, "results", size,
                       "result_count", texts, "fields", size, "field_count")


class Setting(c.Structure):
    _fields_ = members(text, "name", double, "fallback low high", i64, "whole")


class Plugin(c.Structure):
    _fields_ = members(size, "struct_size", i64, "kind", text, "name", pointer, "user release", c.POINTER(Setting),
                       "settings", size, "setting_count", BUILD[1], "layer", i64, "mirror_role", pointer, "mirror",
                       BUILD[2], "loss loss_each", i64, "unit_target output_factor", BUILD[3], "penalty", BUILD[2],
                       "corruption", BUILD[1], "bottleneck", pointer, "sample")


class Operation(c.Structure):
    _fields_ = members(size, "struct_size", text, "name", pointer, "user", OPERATE, "forward backward", RELEASE, "release")


class OperationCall(c.Structure):
    _fields_ = members(size, "struct_size rows", u64, "first_row", c.POINTER(floats), "x", sizes, "x_size", size, "x_count",
                       floats, "y", size, "y_size", floats, "dy dx", size, "operand", i64, "training")


# The member that counts what a list points to.
COUNTS = {"input": "input_rank", "encoder_widths": "encoder_count", "decoder_widths": "decoder_count",
          "penalties": "penalty_count", "corruptions": "corruption_count", "labels": "label_count",
          "valid_labels": "valid_label_count", "settings": "setting_count", "weight": "weight_count",
          "valid_weight": "valid_weight_count"}

out_pointer, plain, plain_size = c.POINTER(pointer), ("data", matrix_pointer, floats, size), c.POINTER(size)
FUNCTIONS = {  # result, arguments; "data" is a handle
    "status_name": (text, i32), "version_string": (text,),
    "context_create": (i32, c.POINTER(ContextOptions), out_pointer), "context_free": (None, pointer),
    "message": (text, pointer), "build_info": (text, pointer),
    "model_create": (i32, pointer, c.POINTER(ModelOptions), out_pointer), "model_free": (None, pointer),
    "model_parse": (i32, pointer, text, size, out_pointer), "model_description": (text, pointer),
    "model_input_size": (size, pointer), "model_code_size": (size, pointer), "model_output_size": (size, pointer),
    "fit": (i32, pointer, matrix_pointer, c.POINTER(FitOptions)), "model_cancel": (None, pointer),
    "model_stopped": (i32, pointer), "fit_source": (i32, pointer, pointer, c.POINTER(FitOptions)),
    "source_arrays": (i32, pointer, arrays_pointer, size, out_pointer), "source_free": (None, pointer),
    "source_stream": (i32, pointer, c.POINTER(Stream), out_pointer),
    "run": (i32, pointer, pointer, arrays_pointer, size, arrays_pointer, size), "model_port_count": (size, pointer),
    "model_port": (i32, pointer, size, c.POINTER(Port)),
    "encode": (i32, *plain), "decode": (i32, *plain), "reconstruct": (i32, *plain),
    "score": (i32, pointer, matrix_pointer, matrix_pointer, floats, size),
    "score_features": (i32, pointer, matrix_pointer, matrix_pointer, floats, size),
    "runner_create": (i32, pointer, c.POINTER(RunnerOptions), out_pointer), "runner_free": (None, pointer),
    "runner_run": (i32, pointer, matrix_pointer, matrix_pointer, floats, size), "runner_message": (text, pointer),
    "runner_refresh": (i32, pointer),
    "model_save": (i32, pointer, text), "model_load": (i32, pointer, text, out_pointer),
    "model_save_memory": (i32, pointer, pointer, size, plain_size),
    "model_load_memory": (i32, pointer, text, size, out_pointer),
    "model_tensor_count": (size, pointer), "model_tensor_name": (text, pointer, size),
    "model_tensor_get": (i32, pointer, text, out_pointer), "model_tensor_set": (i32, pointer, text, pointer),
    "tensor_create": (i32, pointer, i32, sizes, size, out_pointer), "tensor_free": (None, pointer),
    "tensor_rank": (size, pointer), "tensor_dim": (size, pointer, size), "tensor_read": (i32, pointer, floats, size),
    "tensor_write": (i32, pointer, floats, size),
    "register": (i32, pointer, c.POINTER(Plugin)), "node_fail": (pointer, pointer, i32, text),
    "recorder_setting": (double, pointer, text), "node_rank": (size, pointer), "node_dim": (size, pointer, size),
    "node_affine": (pointer, pointer, pointer, double, double), "node_function": (pointer, pointer, text, pointer),
    "node_operation": (pointer, pointer, c.POINTER(Operation), c.POINTER(pointer), size, sizes, size),
    **{"node_" + name: (pointer, pointer, pointer, pointer) for name in ("add", "subtract", "multiply", "divide")},
    **{"node_" + name: (pointer, pointer, pointer) for name in ("row_sum", "row_mean", "batch_sum", "batch_mean",
                                                                "softmax", "log_softmax", "stop_gradient")},
}


def load_library():
    """AUTOENC_LIBRARY, or the name that carries the ABI's version where the system looks for libraries."""
    fallback = "libautoenc.0.dylib" if sys.platform == "darwin" else "libautoenc.so.0"
    library = c.CDLL(os.environ.get("AUTOENC_LIBRARY", fallback))
    for name, (result, *arguments) in FUNCTIONS.items():
        function = getattr(library, "aenc_" + name)
        function.restype = result
        function.argtypes = [pointer if kind == "data" else kind for kind in arguments]
    return library


lib = load_library()


def layout():
    """What C compilers must agree with, one expression and its value a line: for tests/consume/layout.py."""
    for struct in (Matrix, Array, Port, Fill, Stream, Progress, Sums, ContextOptions, ModelOptions, FitOptions, RunnerOptions,
                   Setting, Plugin, Operation, OperationCall):
        name = "aenc" + "".join("_" + letter.lower() if letter.isupper() else letter for letter in struct.__name__)
        yield "sizeof(%s) %d" % (name, c.sizeof(struct))
        for member, _ in struct._fields_:
            place = getattr(struct, member)
            yield "offsetof(%s, %s) %d" % (name, member, place.offset)
            yield "sizeof(((%s *)0)->%s) %d" % (name, member, place.size)
    for family, values in (("PLUGIN", PLUGIN), ("RUN", RUN), ("STOPPED", STOPPED), ("EVENT", EVENT),
                           ("TYPE", TYPE), ("PORT", PORT), ("RULE", RULE)):
        for name, value in values.items():
            yield "AENC_%s_%s %d" % (family, name.upper(), value)
    yield from ("AENC_OK %d" % OK, "AENC_ERR_ARGUMENT %d" % ERR_ARGUMENT, "AENC_ERR_BUSY %d" % ERR_BUSY)


# ---- Failures and turns ----

class Error(Exception):
    """A call of the library failed. status is negative; what is not known here is a failure too."""

    def __init__(self, status, message):
        super().__init__("%s: %s" % (lib.aenc_status_name(status).decode(), message))
        self.status = status


class Here(threading.local):
    """What this thread is in the middle of."""
    interrupts = None  # the Interrupts of its innermost call
    core = None        # the core in whose plug-in or operation it is, where the library accepts no calls
    failures = None    # a runner's: exceptions go there and not to the context's running call


here = Here()
turns = weakref.WeakSet()


class Turn:
    """A lock for what one thread uses at a time; the same thread may enter again, as callbacks do."""

    def __init__(self):
        self.lock = threading.RLock()
        self.lost = False  # another thread had it at a fork
        self.dead = []     # what was dropped meanwhile
        turns.add(self)

    def __enter__(self):
        self.lock.acquire()
        if self.lost:
            self.lock.release()
            raise Error(ERR_BUSY, "another thread was using this at the fork; this process can only free it")

    def __exit__(self, *_):
        self.lock.release()
        self.free_dead()

    def dispose(self, free, handle):
        """From any thread, and from within callbacks. The append is atomic; who finds nobody inside frees."""
        self.dead.append((free, handle))
        self.free_dead()

    def free_dead(self):
        while self.dead and self.lock.acquire(blocking=False):
            try:
                while self.dead:
                    free, handle = self.dead.pop()
                    free(handle)
            finally:
                self.lock.release()


def after_fork():
    for turn in list(turns):
        if turn.lock.acquire(blocking=False):
            turn.lock.release()
        else:
            turn.lock, turn.lost = threading.RLock(), True


os.register_at_fork(after_in_child=after_fork)


class Interrupts:
    """SIGINT during a call that may come back into Python. Python runs signal handlers at the first instruction of a
    callback, outside of any try of its; so the handler raises only within run(), and else leaves the signal until the
    call is over."""

    def __enter__(self):
        self.outer, here.interrupts = here.interrupts, self
        self.raising, self.pending, self.before = False, None, None
        if threading.current_thread() is threading.main_thread() and callable(signal.getsignal(signal.SIGINT)):
            self.before = signal.signal(signal.SIGINT, self.note)
        return self

    def __exit__(self, *_):
        here.interrupts = self.outer
        if self.before is not None:
            signal.signal(signal.SIGINT, self.before)
            if self.pending is not None:
                self.before(*self.pending)

    def note(self, number, frame):
        if self.raising:
            self.raising = False
            self.before(number, frame)
        else:
            self.pending = (number, frame)


def run(core, function, *arguments):
    """A callback's own work: what it raises is kept for the end of the call, and None is returned."""
    failures = here.failures if here.failures is not None else core.failures
    interrupts = here.interrupts or Interrupts()
    try:
        interrupts.raising = True
        result = function(*arguments)
        interrupts.raising = False
        return result
    except BaseException as error:
        interrupts.raising = False
        failures.append(error)
        return None


class Core:
    """A context's handle, and what its objects share. It dies, and the context with it, after the last of them."""

    def __init__(self, handle):
        self.handle = handle
        self.turn = Turn()
        self.failures = []   # of the running call's callbacks
        self.callbacks = [let_go]  # C can call them until the context has gone

    def call(self, name, *arguments):
        """A call that returns a status, in this context's turn."""
        if here.core is self:
            raise Error(ERR_BUSY, "%s: from within a plug-in or an operation of the same context" % name)
        with self.turn:
            outer, self.failures = self.failures, []
            try:
                self.check(self.invoke(name, arguments))
            finally:
                self.failures = outer

    def look(self, name, *arguments):
        """A call that only looks, and that callbacks may make too; of their turn the running call disposes."""
        if here.core is self:
            return getattr(lib, "aenc_" + name)(*arguments)
        with self.turn:
            return getattr(lib, "aenc_" + name)(*arguments)

    def invoke(self, name, arguments):
        function = getattr(lib, "aenc_" + name)
        if not name.startswith("fit") and not self.callbacks:
            return function(*arguments)
        with Interrupts():
            return function(*arguments)

    def check(self, status):
        if self.failures:
            raise self.failures[0]
        if status != OK:
            raise Error(status, lib.aenc_message(self.handle).decode())

    def __del__(self):
        # In a cycle with its models this may come first: C keeps what they need, and the callbacks go after them.
        lib.aenc_context_free(self.handle)


class Handle:
    """What belongs to a context: freed once, by close(), by `with`, or by the garbage collector."""
    live = None

    def __init__(self, core, handle, free):
        self.core, self.free, self.live = core, free, handle

    @property
    def handle(self):
        if self.live is None:
            raise ValueError("%s is closed" % type(self).__name__)
        return self.live

    def close(self):
        handle = self.live
        if handle is not None:
            self.live = None
            self.core.turn.dispose(self.free, handle)

    def __del__(self):
        self.close()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()


# ---- Python values to C ----

def rows_of(values):
    """(Matrix, array that holds its numbers). float32 rows are taken where they are, also those of a slice such as
    x[::2]; other types, reversed and repeated rows are copied. Axes behind the first are one row's."""
    array = np.asarray(values, np.float32)
    if array.ndim < 2:
        raise ValueError("rows are needed: an array of 2 or more axes, not %d" % array.ndim)
    array = array.reshape(len(array), int(np.prod(array.shape[1:])))
    row, column = array.strides
    if column != 4 or row % 4 != 0 or row < 4 * array.shape[1] or not array.flags.aligned:
        array = array.copy()
    return Matrix(array.ctypes.data, *array.shape, array.strides[0] // 4), array


def whole(array):
    if array.dtype.kind not in "iu" or array.size and (array.min() < -2**31 or array.max() >= 2**31):
        raise TypeError("labels are whole numbers of 32 bits, not %s" % array.dtype)
    return array.astype(np.int32, copy=False)


def arrays_of(fields):
    """(array of pointers to Arrays, what they point to) of {"name": values}. float32, int32 and uint8 are taken where
    they are if what belongs to one row lies together; other whole numbers become int32, other numbers float32."""
    pointers, kept = (c.POINTER(Array) * len(fields))(), []
    for place, (name, values) in enumerate(fields.items()):
        values = np.asarray(values)
        if values.dtype not in (np.float32, np.int32, np.uint8):
            values = whole(values) if values.dtype.kind in "iu" else values.astype(np.float32)
        if values.ndim == 0:
            raise ValueError("%s: rows are needed, not one value" % name)
        row, apart = values[:1].nbytes, values.strides[0]
        if not values[:1].flags.c_contiguous or apart < row or apart % values.itemsize != 0 or not values.flags.aligned:
            values = values.copy()
            apart = row
        dims, strides = (size * values.ndim)(*values.shape), (i64 * values.ndim)(apart // values.itemsize)
        for axis in range(1, values.ndim):
            strides[axis] = int(np.prod(values.shape[axis + 1:]))
        reach = (len(values) - 1) * apart + row if len(values) > 0 else 0
        array = Array(c.sizeof(Array), text_of(name), values.ctypes.data, reach, dims, strides, values.ndim,
                      TYPE[{"f": "f32", "i": "i32", "u": "u8"}[values.dtype.kind]])
        pointers[place] = c.pointer(array)
        kept += [values, dims, strides, array]
    return pointers, kept


def output_of(out, shape):
    """A dense array for results: the caller's, or a new one."""
    if out is None:
        return np.empty(shape, np.float32)
    if out.dtype != np.float32 or out.shape != shape or not out.flags.c_contiguous or not out.flags.writeable:
        raise ValueError("out must be a writable, dense float32 array of shape %s" % (shape,))
    return out


def options_of(struct, given):
    """(struct, what it points to), with the fields in given; None leaves one at its default."""
    options, kept, kinds = struct(), [], dict(struct._fields_)
    if "struct_size" in kinds:
        options.struct_size = c.sizeof(struct)
    for name, value in given.items():
        kind = kinds.get(name)
        if kind is None or name == "struct_size" or name in COUNTS.values():
            raise TypeError("%s has no option '%s'" % (struct.__name__, name))
        if value is None:
            continue
        if name in COUNTS:
            value = list_of(kind._type_, value)
            setattr(options, COUNTS[name], len(value))
            kept.append(value)
            value = c.cast(value.ctypes.data if isinstance(value, np.ndarray) else value, kind)
        elif kind is text:
            value = text_of(value)
        elif isinstance(value, Handle):
            kept.append(value)
            value = value.handle
        elif kind is matrix_pointer:
            matrix, array = rows_of(value)
            kept += [matrix, array]
            value = c.pointer(matrix)
        elif kind is c.POINTER(u64):
            number = u64(operator.index(value))
            if number.value != value:
                raise OverflowError("%s: %d does not fit" % (name, value))
            value = c.pointer(number)
        elif kind in (size, i64, u64):
            value = operator.index(value)
        setattr(options, name, value)
        if kind in (size, i64, u64) and getattr(options, name) != value:
            raise OverflowError("%s: %d does not fit" % (name, value))
    return options, kept


def text_of(value):
    data = os.fsencode(value)
    if b"\0" in data:
        raise ValueError("a text has no NUL: %r" % value)
    return data


def list_of(kind, values):
    """A C array of sizes, int32 labels, float32 weights, texts or structs."""
    if kind is i32:
        return np.ascontiguousarray(whole(np.asarray(values))).reshape(-1)
    if kind is c.c_float:
        return np.ascontiguousarray(values, np.float32).reshape(-1)
    values = [values] if isinstance(values, (int, str, np.integer)) else list(values)
    if kind is text:
        values = [text_of(value) for value in values]
    elif kind is size:
        values = [operator.index(value) for value in values]
        if any(value < 0 for value in values):
            raise OverflowError("%s: a size is not negative" % values)
    return (kind * len(values))(*values)


# ---- Context ----

class Context:
    """The home of models: seed, threads, plug-ins, the last message. Its models keep what they need of it."""

    def __init__(self, seed=0, threads=1, blas_threads=None):
        options, _kept = options_of(ContextOptions, {"seed": seed, "threads": threads, "blas_threads": blas_threads})
        handle, reason = pointer(), c.create_string_buffer(512)
        options.error, options.error_size = c.addressof(reason), len(reason)
        status = lib.aenc_context_create(c.byref(options), c.byref(handle))
        if status != OK:
            raise Error(status, reason.value.decode())
        self.core = Core(handle)

    @property
    def build_info(self):
        return self.core.look("build_info", self.core.handle).decode()

    def register(self, kind, name, function, settings=None, **fields):
        """function(recorder, *nodes) returns a node (docs/extending.md): layer(r, x), loss(r, output, target),
        penalty(r, input, code, output), corruption(r, x, level). settings: {"key": fallback}."""
        settings = [Setting(key.encode(), fallback) for key, fallback in (settings or {}).items()]
        plugin, _kept = options_of(Plugin, dict(fields, name=name, settings=settings))
        builder = dict(Plugin._fields_)[kind](build(self.core, function))
        plugin.kind = PLUGIN[kind]
        setattr(plugin, kind, builder)
        self.core.callbacks.append(builder)
        self.core.call("register", self.core.handle, c.byref(plugin))

    def operation(self, name, forward, backward=None):
        """An op on arrays for plug-ins, see Node.operation: forward(x, y) fills y, backward(x, y, dy, dx) adds to dx;
        (rows, numbers) each, views of the library's memory, valid during the call. Both run on several threads. What they
        raise ends the call that runs them. They are kept as long as this object or a recording needs them."""
        operation = Operation(c.sizeof(Operation), name.encode())
        operation.forward = OPERATE(operate_of(self.core, forward))
        if backward is not None:
            operation.backward = OPERATE(operate_of(self.core, backward))
        return operation


def build(core, function):
    def call(_user, recorder, *nodes):
        outer, here.core = here.core, core
        result = run(core, lambda: function(Recorder(recorder), *(Node(recorder, node) for node in nodes)).handle)
        here.core = outer
        if result is None:
            lib.aenc_node_fail(recorder, ERR_ARGUMENT, b"the Python function raised an exception")
        return result
    return call


def view(address, rows, cols):
    return np.ctypeslib.as_array(address, (rows, cols))


def operate_of(core, function):
    def work(call):
        arrays = [view(call.x[0], call.rows, call.x_size[0]), view(call.y, call.rows, call.y_size)]
        if call.dx:
            arrays += [view(call.dy, call.rows, call.y_size), view(call.dx, call.rows, call.x_size[0])]
        function(*arrays)
        return True

    def call(_user, address):
        outer, here.core = here.core, core
        done = run(core, lambda: work(OperationCall.from_address(address)))
        here.core = outer
        return 0 if done else -1
    return call


held = {}  # operations of recordings, by the address of their `user`


@RELEASE
def let_go(user):
    held.pop(user)


def hold(operation):
    """A copy for one recording, whose release lets go of it."""
    user = c.c_char(0)  # its address is the key
    copy = Operation.from_buffer_copy(operation)
    copy.user, copy.release = c.addressof(user), let_go
    held[copy.user] = (user, operation)
    return copy


class Recorder:
    def __init__(self, handle):
        self.handle = handle

    def setting(self, name):
        return lib.aenc_recorder_setting(self.handle, name.encode())


class Node:
    """A value in a recording: arithmetic with nodes and numbers, functions by name. Valid until the plug-in returns."""

    def __init__(self, recorder, handle):
        self.recorder, self.handle = recorder, handle

    def make(self, name, *arguments):
        return Node(self.recorder, getattr(lib, "aenc_node_" + name)(self.recorder, *arguments))

    @property
    def dims(self):
        return tuple(lib.aenc_node_dim(self.handle, axis) for axis in range(lib.aenc_node_rank(self.handle)))

    def __add__(self, other):
        return self.make("add", self.handle, other.handle) if isinstance(other, Node) else self.affine(1, other)

    def __sub__(self, other):
        return self.make("subtract", self.handle, other.handle) if isinstance(other, Node) else self.affine(1, -other)

    def __mul__(self, other):
        return self.make("multiply", self.handle, other.handle) if isinstance(other, Node) else self.affine(other, 0)

    def __truediv__(self, other):
        return self.make("divide", self.handle, other.handle) if isinstance(other, Node) else self.affine(1 / other, 0)

    __radd__, __rmul__ = __add__, __mul__

    def affine(self, scale, shift):
        return self.make("affine", self.handle, scale, shift)

    def function(self, name):
        return self.make("function", name.encode(), self.handle)

    def operation(self, operation, dims=None):
        dims = list_of(size, self.dims if dims is None else dims)
        operands = list_of(pointer, [self.handle])
        return self.make("operation", c.byref(hold(operation)), operands, 1, dims, len(dims))

    def __getattr__(self, name):
        """row_mean(), batch_sum(), stop_gradient() ..., and elementwise functions: square(), exp(), tanh() ..."""
        if name.startswith("_"):
            raise AttributeError(name)
        if "node_" + name in FUNCTIONS:
            return lambda: self.make(name, self.handle)
        return lambda: self.function(name)


# ---- Sources ----

class Source(Handle):
    """Source(ctx, input=x, target=labels, weight=w): rows of named fields, taken where they are and kept alive."""

    def __init__(self, ctx, **fields):
        pointers, self.kept = arrays_of(fields)
        self.adopt(ctx, "source_arrays", pointers, len(pointers))

    def adopt(self, ctx, name, *arguments):
        handle = pointer()
        ctx.core.call(name, ctx.core.handle, *arguments, c.byref(handle))
        super().__init__(ctx.core, handle, lib.aenc_source_free)

    @classmethod
    def stream(cls, ctx, fields, read, seek=None, rows=0, read_ahead=False):
        """fields: {"input": (np.float32, (4, 6)), "weight": (np.float32, ())}. read(*arrays) writes into the first rows
        of views, one for each field, and returns how many; 0 ends the pass. seek(row) states what is read next. With
        read_ahead they run on a thread of the library's."""
        source, views = cls.__new__(cls), []
        pointers, kept = arrays_of({name: np.empty((1, *dims), kind) for name, (kind, dims) in fields.items()})
        for one in pointers:  # of one row
            one.contents.rank -= 1
            one.contents.dims = c.cast(c.addressof(one.contents.dims.contents) + c.sizeof(size), sizes)
            one.contents.strides, one.contents.data, one.contents.size = None, None, 0
        stream = Stream(c.sizeof(Stream), pointers, len(pointers), rows, read_ahead=read_ahead)
        stream.read = READ(read_of(ctx.core, read, list(fields.values()), read_ahead))
        if seek is not None:
            stream.seek = SEEK(seek_of(ctx.core, seek, read_ahead))
        source.kept = (kept, stream)
        source.adopt(ctx, "source_stream", c.byref(stream))
        return source


def inside(core, read_ahead):
    """On the library's own thread no call on the context is accepted."""
    outer, here.core = here.core, core if read_ahead else here.core
    return outer


def read_of(core, function, kinds, read_ahead):
    def work(fill):
        views = [np.frombuffer((c.c_char * fill.size[i]).from_address(fill.data[i]), kind).reshape(fill.rows, *dims)
                 for i, (kind, dims) in enumerate(kinds)]
        fill.got = operator.index(function(*views))
        return True

    def call(_user, fill):
        outer = inside(core, read_ahead)
        done = run(core, work, fill.contents)
        here.core = outer
        return 0 if done else -1
    return call


def seek_of(core, function, read_ahead):
    def call(_user, position):
        outer = inside(core, read_ahead)
        done = run(core, lambda: (function(position), True)[1])
        here.core = outer
        return 0 if done else -1
    return call


# ---- Model and runner ----

class Model(Handle):
    """Model(ctx, input=64, encoder_widths=(32, 8), loss="mse", ...): the fields of aenc_model_options."""

    def __init__(self, ctx, **options):
        options, kept = options_of(ModelOptions, options)
        self.adopt(ctx, "model_create", c.byref(options))

    def adopt(self, ctx, name, *arguments):
        handle = pointer()
        ctx.core.call(name, ctx.core.handle, *arguments, c.byref(handle))
        super().__init__(ctx.core, handle, lib.aenc_model_free)

    @classmethod
    def made_by(cls, ctx, name, *arguments):
        model = cls.__new__(cls)
        model.adopt(ctx, name, *arguments)
        return model

    @classmethod
    def parse(cls, ctx, description):
        data = description.encode()
        return cls.made_by(ctx, "model_parse", data, len(data))

    @classmethod
    def load(cls, ctx, path):
        return cls.made_by(ctx, "model_load", text_of(path))

    @classmethod
    def from_bytes(cls, ctx, data):
        return cls.made_by(ctx, "model_load_memory", bytes(data), len(data))

    def save(self, path):
        self.core.call("model_save", self.handle, text_of(path))

    def load_tensors(self, path, prefix=""):
        """Takes numbers from a safetensors file of another program, such as PyTorch's, by the names that `aliases` gave."""
        self.core.call("model_load_tensors", self.handle, prefix.encode(), text_of(path))

    def to_bytes(self):
        needed = size()
        with self.core.turn:
            self.core.call("model_save_memory", self.handle, None, 0, c.byref(needed))
            data = c.create_string_buffer(needed.value)
            self.core.call("model_save_memory", self.handle, data, needed, c.byref(needed))
        return data.raw

    def size_of(self, what):
        return self.core.look("model_%s_size" % what, self.handle)

    @property
    def description(self):
        return self.core.look("model_description", self.handle).decode()

    @property
    def stopped(self):
        """Why the last fit ended: a word of STOPPED."""
        number = self.core.look("model_stopped", self.handle)
        return next((word for word, value in STOPPED.items() if value == number), str(number))

    def fit(self, x, progress=None, **options):
        """x: rows, or a Source. progress(now) runs on this thread after each step and epoch; a true value ends the fit,
        an exception ends it and is raised here. Other options: the fields of aenc_fit_options."""
        options, kept = options_of(FitOptions, options)
        core = self.core

        def call(_user, now):
            result = None
            if progress is not None and not core.failures and not here.interrupts.pending:
                copy = Progress()
                c.memmove(c.byref(copy), now, min(now.contents.struct_size, c.sizeof(Progress)))
                result = run(core, progress, copy)
            return 1 if result or core.failures or here.interrupts.pending else 0

        options.progress = PROGRESS(call)
        if isinstance(x, Source):
            return core.call("fit_source", self.handle, x.handle, c.byref(options))
        matrix, kept_rows = rows_of(x)
        core.call("fit", self.handle, c.byref(matrix), c.byref(options))

    def cancel(self):
        """From any thread: ends the fit that is running at its next step."""
        lib.aenc_model_cancel(self.handle)

    def rows_to(self, name, width, x, out):
        matrix, kept = rows_of(x)
        out = output_of(out, (matrix.rows, self.size_of(width)))
        self.core.call(name, self.handle, c.byref(matrix), floats_of(out), out.size)
        return out

    def encode(self, x, out=None):
        return self.rows_to("encode", "code", x, out)

    def decode(self, code, out=None):
        return self.rows_to("decode", "output", code, out)

    def reconstruct(self, x, out=None):
        return self.rows_to("reconstruct", "output", x, out)

    def score(self, x, target=None, out=None):
        matrix, kept = rows_of(x)
        against, kept_target = (None, None) if target is None else rows_of(target)
        out = output_of(out, (matrix.rows,))
        self.core.call("score", self.handle, c.byref(matrix), against and c.byref(against), floats_of(out), out.size)
        return out

    def ports(self):
        """What the model takes and gives, by name: Ports."""
        ports = {}
        for index in range(self.core.look("model_port_count", self.handle)):
            port = Port(c.sizeof(Port))
            self.core.call("model_port", self.handle, index, c.byref(port))
            ports[port.name.decode()] = port
        return ports

    def run(self, fields, *names):
        """Several results in one pass: run(x, "code", "output", "score"); fields: x, or {"input": x, "target": y}."""
        fields = fields if isinstance(fields, dict) else {"input": fields}
        ports = self.ports()
        for name in names:
            if name not in ports:
                raise ValueError("there is no result '%s'; known: %s" % (name, ", ".join(ports)))
        rows = len(next(iter(fields.values()), ()))
        shapes = {name: (rows, *ports[name].dims[:ports[name].rank]) for name in names}
        results = {name: np.empty(shape, np.float32) for name, shape in shapes.items()}
        (given, kept), (taken, kept_results) = arrays_of(fields), arrays_of(results)
        self.core.call("run", self.handle, None, given, len(given), taken, len(taken))
        return tuple(results[name] for name in names)

    def runner(self, task="reconstruct", rows=1):
        return Runner(self, task, rows)

    def parameter_names(self):
        count = self.core.look("model_tensor_count", self.handle)
        return [self.core.look("model_tensor_name", self.handle, index).decode() for index in range(count)]

    def parameter(self, name):
        tensor = pointer()
        with self.core.turn:
            self.core.call("model_tensor_get", self.handle, name.encode(), c.byref(tensor))
            try:
                out = np.empty([lib.aenc_tensor_dim(tensor, axis) for axis in range(lib.aenc_tensor_rank(tensor))],
                               np.float32)
                self.core.call("tensor_read", tensor, floats_of(out), out.size)
            finally:
                lib.aenc_tensor_free(tensor)
        return out

    def set_parameter(self, name, values):
        values = np.ascontiguousarray(values, np.float32)
        tensor = pointer()
        with self.core.turn:
            self.core.call("tensor_create", self.core.handle, TYPE["f32"], list_of(size, values.shape), values.ndim,
                           c.byref(tensor))
            try:
                self.core.call("tensor_write", tensor, floats_of(values), values.size)
                self.core.call("model_tensor_set", self.handle, name.encode(), tensor)
            finally:
                lib.aenc_tensor_free(tensor)


def floats_of(array):
    return c.cast(array.ctypes.data, floats)


class Runner(Handle):
    """One task through a model as it is now. Runners run side by side, and while the model trains; a thread that finds
    its runner in use waits. refresh() adopts the model's present weights."""

    def __init__(self, model, task, rows):
        options, _kept = options_of(RunnerOptions, {"task": RUN[task], "rows": rows})
        handle = pointer()
        model.core.call("runner_create", model.handle, c.byref(options), c.byref(handle))
        self.turn = Turn()
        super().__init__(model.core, handle, lib.aenc_runner_free)
        self.width = {"encode": "code", "score": None}.get(task, "output")
        self.width = self.width and model.size_of(self.width)

    def __call__(self, x, target=None, out=None):
        matrix, kept = rows_of(x)
        against, kept_target = (None, None) if target is None else rows_of(target)
        out = output_of(out, (matrix.rows,) if self.width is None else (matrix.rows, self.width))
        with self.turn:
            outer, here.failures = here.failures, []
            try:
                with Interrupts():
                    status = lib.aenc_runner_run(self.handle, c.byref(matrix), against and c.byref(against),
                                                 floats_of(out), out.size)
                if here.failures:
                    raise here.failures[0]
                if status != OK:
                    raise Error(status, lib.aenc_runner_message(self.handle).decode())
            finally:
                here.failures = outer
        return out

    def refresh(self):
        with self.turn:
            self.core.call("runner_refresh", self.handle)

    def close(self):
        with self.turn.lock:
            super().close()


if __name__ == "__main__":
    print("\n".join(layout()))
