#!/usr/bin/env python3
"""test_autoenc.py - autoenc.py used and misused, as an introduction to it: python3 test_autoenc.py"""
import gc
import json
import multiprocessing
import os
import signal
import tempfile
import threading
import time
import unittest
import weakref
from concurrent.futures import ThreadPoolExecutor

import numpy as np

import autoenc

ROWS, COLS, CODE = 256, 12, 3


def waves():
    row, col = np.mgrid[:ROWS, :COLS]
    return np.sin(0.11 * row + 0.5 * col).astype(np.float32)


def model_of(ctx=None, **options):
    ctx = ctx or autoenc.Context(seed=7, threads=2)
    return autoenc.Model(ctx, **{"input": COLS, "encoder_widths": (8, CODE), "activation": "tanh", **options})


class Use(unittest.TestCase):
    def test_several_results(self):
        x, model, losses = waves(), model_of(), []

        def progress(now):
            if now.event == autoenc.EVENT["epoch"]:
                losses.append(now.train_loss)

        model.fit(x, epochs=20, batch=32, optimizer="adam:lr=0.01", progress=progress)
        self.assertEqual(len(losses), 20)
        self.assertLess(losses[-1], 0.5 * losses[0])
        self.assertEqual(model.stopped, "end")
        code, output, score = model.run(x, "code", "output", "score")
        self.assertEqual((code.shape, output.shape, score.shape), ((ROWS, CODE), (ROWS, COLS), (ROWS,)))
        for result, call in ((code, model.encode), (output, model.reconstruct), (score, model.score)):
            np.testing.assert_array_equal(result, call(x))
        np.testing.assert_allclose(score, ((output - x) ** 2).mean(1), rtol=1e-4)
        np.testing.assert_allclose(model.decode(code), output, rtol=1e-5, atol=1e-6)

    def test_rows_are_not_copied(self):
        x = np.random.default_rng(1).random((ROWS, 2 * COLS), np.float32)
        pictures = x.reshape(ROWS, 4, 6)
        for rows in (x, x[10:20], x[::3], x[:, 5:5 + COLS], x[1::2, :COLS], pictures[::5]):
            matrix, _ = autoenc.rows_of(rows)
            self.assertEqual(matrix.data, rows.ctypes.data)
        unaligned = np.frombuffer(bytes(4 * COLS + 1), np.uint8)[1:].view(np.float32).reshape(1, COLS)
        for rows in (x[::-1], x[:, ::2], x.T, np.broadcast_to(x[0], (5, 2 * COLS)), x.astype(float), unaligned):
            matrix, array = autoenc.rows_of(rows)
            self.assertNotEqual(matrix.data, rows.ctypes.data)
            np.testing.assert_array_equal(array, rows)
        model = model_of()
        np.testing.assert_array_equal(model.encode(x[::3, 5:5 + COLS]), model.encode(x[::3, 5:5 + COLS].copy()))
        out = np.empty((ROWS, CODE), np.float32)
        self.assertIs(model.encode(x[:, :COLS], out=out), out)
        with self.assertRaises(ValueError):
            model.encode(x[:, :COLS], out=out[::2])
        with self.assertRaises(ValueError):
            model.encode(x[0, :COLS])

    def test_failures_are_exceptions(self):
        with self.assertRaisesRegex(autoenc.Error, "AENC_ERR_ARGUMENT: .*'sofmax'"):
            model_of(activation="sofmax")
        with self.assertRaisesRegex(autoenc.Error, "AENC_ERR_NONFINITE: .*x\\[3, 5\\]") as caught:
            x = waves()
            x[3, 5] = np.nan
            model_of().fit(x)
        self.assertEqual(caught.exception.status, -30)
        with self.assertRaisesRegex(TypeError, "no option 'epoch'"):
            model_of().fit(waves(), epoch=3)
        with self.assertRaises(OverflowError):
            model_of().fit(waves(), epochs=2**63)
        with self.assertRaises(OverflowError):
            model_of(encoder_widths=(8, -3))
        with self.assertRaisesRegex(ValueError, "NUL"):
            model_of(loss="mse\0")

    def test_seed_of_a_model(self):
        x = waves()
        codes = [autoenc.Model(autoenc.Context(seed=seed), input=COLS, encoder_widths=(CODE,), seed=own).encode(x)
                 for seed, own in ((1, 7), (2, 7), (7, None))]
        np.testing.assert_array_equal(codes[0], codes[1])
        np.testing.assert_array_equal(codes[0], codes[2])
        with self.assertRaises(OverflowError):
            model_of(seed=-1)

    def test_labels(self):
        x = waves()
        labels = (x[:, 0] > 0).astype(np.int64)
        model = model_of(loss="cross_entropy:classes=2")
        model.fit(x, labels=labels, epochs=2)
        with self.assertRaisesRegex(autoenc.Error, "label"):
            model.fit(x, labels=labels[1:])
        with self.assertRaises(TypeError):
            model.fit(x, labels=labels.astype(float))

    def test_saved_and_loaded(self):
        x, model = waves(), model_of(penalties=["l1:weight=1e-3"], corruptions=["mask:level=0.1"])
        model.fit(x, epochs=2)
        code = model.encode(x)
        ctx = autoenc.Context()
        with tempfile.TemporaryDirectory() as folder:
            path = os.path.join(folder, "späť.model")
            model.save(path)
            loaded = autoenc.Model.load(ctx, path)
            named = autoenc.Model.parse(ctx, json.dumps(dict(json.loads(model.description), aliases={"decoder.0.bias": "w"},
                                                             seed=9)))
            named.load_tensors(path, "encoder.0")
            with self.assertRaisesRegex(autoenc.Error, "no tensor .w., here .decoder.0.bias."):
                named.load_tensors(path, "decoder")
        again = autoenc.Model.from_bytes(ctx, model.to_bytes())
        blank = autoenc.Model.parse(ctx, model.description)
        for name in model.parameter_names():
            blank.set_parameter(name, model.parameter(name))
        np.testing.assert_array_equal(named.parameter("encoder.0.weight"), model.parameter("encoder.0.weight"))
        for other in (loaded, again, blank):
            np.testing.assert_array_equal(other.encode(x), code)
        with self.assertRaisesRegex(autoenc.Error, "AENC_ERR_IO"):
            autoenc.Model.load(ctx, os.path.join(folder, "none"))


class Fields(unittest.TestCase):
    def test_fields_in_and_results_out(self):
        """Pictures as bytes, labels, weights of rows; several results of all of them in one pass."""
        ctx, random = autoenc.Context(seed=7), np.random.default_rng(1)
        label = np.arange(ROWS) % 3
        pixels = (random.random((ROWS, 4, 6)) * 85 + 85 * label[:, None, None]).astype(np.uint8)
        weight = np.where(label == 2, 2.0, 1.0)
        model = autoenc.Model(ctx, input=(4, 6), encoder_widths=(8, CODE), loss="cross_entropy:classes=3")
        source = autoenc.Source(ctx, input=pixels, target=label, weight=weight, unknown=weight)
        model.fit(source, epochs=40, batch=32, optimizer="adam:lr=0.01", valid_source=source)
        code, output, score = model.run({"input": pixels, "target": label}, "code", "output", "score")
        self.assertEqual((code.shape, output.shape, score.shape), ((ROWS, CODE), (ROWS, 3), (ROWS,)))
        self.assertGreater((output.argmax(1) == label).mean(), 0.95)
        chance = np.exp(output) / np.exp(output).sum(1, keepdims=True)
        np.testing.assert_allclose(score, -np.log(chance[np.arange(ROWS), label]), rtol=1e-3, atol=1e-4)
        np.testing.assert_allclose(model.encode(pixels / 255), code, rtol=1e-5, atol=1e-5)
        port = model.ports()["target"]
        self.assertEqual((port.kind, port.rule, port.count, port.trained),
                         (autoenc.PORT["field"], autoenc.RULE["classes"], 3, 1))
        with self.assertRaisesRegex(autoenc.Error, r"target\[5(, 0)?\] is 3"):
            model.run({"input": pixels, "target": np.where(np.arange(ROWS) == 5, 3, label)}, "score")
        with self.assertRaisesRegex(autoenc.Error, "'target' is needed"):
            model.run(pixels, "score")
        with self.assertRaisesRegex(ValueError, "no result 'scores'"):
            model.run(pixels, "scores")
        with self.assertRaises(TypeError):
            model.run({"input": pixels, "target": label + 2**40}, "score")

    def test_declared_field(self):
        model = autoenc.Model.parse(autoenc.Context(), """{"input": [12], "fields": {"label": "classes:count=10"},
            "encoder": {"type": "dense", "units": 3}}""")
        port = model.ports()["label"]
        self.assertEqual((port.rank, port.size, port.count, port.type), (0, 1, 10, autoenc.TYPE["i32"]))
        model.run({"input": waves(), "label": np.full(ROWS, 9)}, "code")
        with self.assertRaisesRegex(autoenc.Error, r"label\[0\] is 10"):
            model.run({"input": waves(), "label": np.full(ROWS, 10)}, "code")

    def test_fields_are_not_copied(self):
        x, pixels = waves(), np.zeros((ROWS, 4, 6), np.uint8)
        given = {"a": x, "b": x[::3], "c": x[:, 2:5], "d": pixels[1::2, 1:3], "e": pixels[:, 0, 0], "f": x[:0],
                 "g": x[::-1], "h": x.T, "i": np.broadcast_to(x[0], x.shape), "j": x.astype(float),
                 "k": pixels[:, 1, ::2]}
        pointers, _ = autoenc.arrays_of(given)
        for array, (name, values) in zip(pointers, given.items()):
            self.assertEqual(array.contents.data == values.ctypes.data, name < "g", name)
            self.assertEqual(tuple(array.contents.dims[:values.ndim]), values.shape)
        model = model_of()
        for rows in (x[::3], x[::-1], x[:, ::-1].astype(float), x[:1], np.broadcast_to(x[0], x.shape)):
            np.testing.assert_array_equal(model.run(rows, "code")[0], model.encode(rows))

    def test_stream(self):
        ctx, x, place = autoenc.Context(seed=7), waves(), 0

        def seek(row):
            nonlocal place
            place = row

        def read(rows, weight):
            nonlocal place
            count = min(len(rows), ROWS - place)
            rows[:count], weight[:count] = x[place:place + count], 0.5
            place += count
            return count

        fields = {"input": (np.float32, (COLS,)), "weight": (np.float32, ())}
        for read_ahead in (False, True):
            source = autoenc.Source.stream(ctx, fields, read, seek, rows=ROWS, read_ahead=read_ahead)
            model, before = model_of(ctx), model_of(ctx).score(x).mean()
            model.fit(source, epochs=20, batch=32, optimizer="adam:lr=0.01")
            self.assertLess(model.score(x).mean(), 0.5 * before)
            raised = LookupError("mine")

            def fail(*_):
                raise raised

            for functions in ((fail, seek), (read, fail)):
                source = autoenc.Source.stream(ctx, fields, *functions, rows=ROWS, read_ahead=read_ahead)
                with self.assertRaises(LookupError) as caught:
                    model.fit(source)
                self.assertIs(caught.exception, raised)
            source = autoenc.Source.stream(ctx, fields, lambda *_: model.encode(x) is None, seek, rows=ROWS,
                                           read_ahead=read_ahead)
            if read_ahead:
                with self.assertRaisesRegex(autoenc.Error, "BUSY"):
                    model.fit(source)


class Callbacks(unittest.TestCase):
    def fitted(self, ctx, loss):
        model = model_of(ctx, loss=loss)
        model.fit(waves(), epochs=3)
        return model

    def test_loss_of_nodes(self):
        ctx = autoenc.Context(seed=7)
        ctx.register("loss", "mine", lambda r, output, target: (output - target).square().row_mean())
        ctx.register("loss", "scaled",
                     lambda r, output, target: (output - target).square().row_mean() * r.setting("by"), {"by": 2.0})
        gc.collect()
        mine, mse = self.fitted(ctx, "mine"), self.fitted(autoenc.Context(seed=7), "mse")
        np.testing.assert_array_equal(mine.encode(waves()), mse.encode(waves()))
        scaled = self.fitted(ctx, "scaled:by=3")
        error = scaled.reconstruct(waves()) - waves()
        np.testing.assert_allclose(scaled.score(waves()), 3 * (error ** 2).mean(1), 1e-4)

    def test_loss_of_arrays(self):
        def forward(x, y):
            y[...] = x * x

        def backward(x, y, dy, dx):
            dx += 2 * x * dy

        for threads in (1, 2):
            ctx = autoenc.Context(seed=7, threads=threads)
            square = ctx.operation("square", forward, backward)
            ctx.register("loss", "mine", lambda r, output, target: (output - target).operation(square).row_mean())
            mine, mse = self.fitted(ctx, "mine"), self.fitted(autoenc.Context(seed=7), "mse")
            np.testing.assert_allclose(mine.encode(waves()), mse.encode(waves()), rtol=1e-3, atol=1e-4)

    def test_exception_in_progress(self):
        model, raised = model_of(), KeyError("mine")

        def progress(now):
            if now.step == 2:
                raise raised

        with self.assertRaises(KeyError) as caught:
            model.fit(waves(), batch=32, progress=progress)
        self.assertIs(caught.exception, raised)
        self.assertEqual(model.stopped, "callback")
        model.fit(waves(), epochs=1)
        self.assertEqual(model.stopped, "end")
        model.fit(waves(), progress=lambda now: now.epoch == 2)
        self.assertEqual(model.stopped, "callback")

    def test_exception_in_plugin(self):
        raised, armed = ZeroDivisionError("mine"), set()

        def fail(word):
            if word in armed:
                raise raised

        def loss(r, output, target):
            fail("loss")
            return (output - target).operation(identity).square().row_mean()

        def forward(x, y):
            fail("forward")
            y[...] = x

        def backward(x, y, dy, dx):
            fail("backward")
            dx += dy

        ctx = autoenc.Context(threads=2)
        identity = ctx.operation("identity", forward, backward)
        ctx.register("loss", "mine", loss)
        model, x = model_of(ctx, loss="mine"), waves()
        model.fit(x, epochs=1)
        before = model.encode(x)
        for word, call in (("forward", model.fit), ("backward", model.fit), ("forward", model.score),
                           ("loss", lambda rows: model_of(ctx, loss="mine").score(rows))):
            armed.add(word)
            with self.assertRaises(ZeroDivisionError, msg=word) as caught:
                call(x)
            self.assertIs(caught.exception, raised)
            armed.clear()
            np.testing.assert_array_equal(model.encode(x), before)
        runner = model.runner("score")
        armed.add("forward")
        with self.assertRaises(ZeroDivisionError):
            runner(x)
        armed.clear()
        runner(x)

    def test_calls_in_callbacks(self):
        ctx, x, seen = autoenc.Context(threads=2), waves(), []
        model = None

        def forward(x, y):
            y[...] = x
            if model is not None:
                model.encode(waves())  # a deadlock, if another thread computes

        operation = ctx.operation("own", forward)
        ctx.register("loss", "mine", lambda r, output, target: (output - target).operation(operation).row_mean())
        model = model_of(ctx, loss="mine")
        with self.assertRaisesRegex(autoenc.Error, "AENC_ERR_BUSY"):
            model.score(x)
        model = model_of(ctx)

        def progress(now):
            seen.append(model.encode(x).shape)
            try:
                model.fit(x)
            except autoenc.Error as error:
                return seen.append(error.status) or 1

        model.fit(x, progress=progress)
        self.assertEqual(seen[:2], [(ROWS, CODE), autoenc.ERR_BUSY])  # the epoch that was broken off is an event too


class Interrupts(unittest.TestCase):
    def test_in_progress(self):
        model, before = model_of(), signal.getsignal(signal.SIGINT)

        def progress(now):
            os.kill(os.getpid(), signal.SIGINT)
            time.sleep(10)

        start = time.monotonic()
        with self.assertRaises(KeyboardInterrupt):
            model.fit(waves(), progress=progress)
        self.assertLess(time.monotonic() - start, 5)
        self.assertIs(signal.getsignal(signal.SIGINT), before)
        model.fit(waves(), epochs=1)

    def test_in_fits(self):
        """Whenever it comes: no interrupt is lost, and each leaves a model that works."""
        ctx = autoenc.Context()

        def forward(x, y):
            y[...] = x * x

        def backward(x, y, dy, dx):
            dx += 2 * x * dy

        square = ctx.operation("square", forward, backward)
        ctx.register("loss", "mine", lambda r, output, target: (output - target).operation(square).row_mean())
        for loss in ("mse", "mine"):
            model = model_of(ctx, loss=loss)
            for attempt in range(15):
                began = threading.Event()

                def interrupt():
                    began.wait()
                    time.sleep(0.001 * attempt)
                    os.kill(os.getpid(), signal.SIGINT)

                threading.Thread(target=interrupt).start()
                with self.assertRaises(KeyboardInterrupt):
                    model.fit(waves(), epochs=10**9, progress=lambda now: began.set())
            self.assertTrue(np.isfinite(model.encode(waves())).all())

    def test_cancel(self):
        model = model_of()
        began = threading.Event()
        threading.Thread(target=lambda: began.wait() and model.cancel()).start()
        model.fit(waves(), epochs=10**9, progress=lambda now: began.set())
        self.assertEqual(model.stopped, "cancel")


class Lifetimes(unittest.TestCase):
    def test_context_goes_first(self):
        ctx = autoenc.Context()
        ctx.register("loss", "mine", lambda r, output, target: (output - target).square().row_mean())
        model, core = model_of(ctx, loss="mine"), weakref.ref(ctx.core)
        runner = model.runner("score")
        del ctx
        gc.collect()
        model.fit(waves(), epochs=1)
        with self.assertRaisesRegex(autoenc.Error, "cols"):
            model.encode(waves()[:, 1:])
        del model
        gc.collect()
        runner(waves())
        self.assertIsNotNone(core())
        del runner
        gc.collect()
        self.assertIsNone(core())

    def test_cycle_through_a_callback(self):
        """A registered function that refers to what belongs to its context."""
        ctx = autoenc.Context()
        model = None

        def loss(r, output, target):
            assert model is None or model.size_of("code") == CODE
            return (output - target).square().row_mean()

        ctx.register("loss", "mine", loss)
        model, core = model_of(ctx, loss="mine"), weakref.ref(ctx.core)
        model.fit(waves(), epochs=1)
        del ctx, model, loss
        gc.collect()
        self.assertIsNone(core())

    def test_closed(self):
        with model_of() as model:
            model.encode(waves())
        model.close()
        with self.assertRaisesRegex(ValueError, "closed"):
            model.encode(waves())
        model = model_of()
        model.fit(waves(), progress=lambda now: model.close() or 1)

    def test_freed_by_another_thread(self):
        """Cycles that the collector finds on a thread of its own, while this one is inside fits."""
        ctx, x, stop = autoenc.Context(), waves(), threading.Event()
        model, dropped = model_of(ctx), []

        def litter():
            while not stop.is_set():
                knot = {"model": model_of(ctx), "other": autoenc.Context()}
                knot["runner"], knot["self"] = knot["model"].runner(), knot
                dropped.extend(weakref.ref(knot[name]) for name in ("model", "runner"))
                del knot
                gc.collect()

        thread = threading.Thread(target=litter)
        thread.start()
        while len(dropped) < 50:
            model.fit(x, epochs=5)
        stop.set()
        thread.join()
        gc.collect()
        model.encode(x)
        self.assertFalse([handle for handle in dropped if handle() is not None] or ctx.core.turn.dead)


class Threads(unittest.TestCase):
    def test_runners(self):
        """One for each thread, and one for all, while the model trains on."""
        x, model, here = waves(), model_of(), threading.local()
        model.fit(x, epochs=1)
        shared, expected = model.runner("encode"), model.runner("encode")(x)

        def enter():
            here.runner = model.runner("encode")

        # The runners are made before the weights move on.
        with ThreadPoolExecutor(4, initializer=enter) as pool:
            ready = threading.Barrier(4)
            for future in [pool.submit(ready.wait, 60) for _ in range(4)]:
                future.result()
            rows = [pool.submit(lambda row: (here.runner(row), shared(row)), x[i:i + 1]) for i in range(ROWS)]
            model.fit(x, epochs=5)
            for i, future in enumerate(rows):
                for code in future.result():
                    np.testing.assert_array_equal(code, expected[i:i + 1])
        self.assertFalse((model.encode(x) == expected).all())
        shared.refresh()
        np.testing.assert_allclose(shared(x), model.encode(x), rtol=1e-4, atol=1e-5)
        with self.assertRaisesRegex(autoenc.Error, "cols"):
            shared(x[:, 1:])

    def test_one_model_of_many_threads(self):
        x, model = waves(), model_of()
        with ThreadPoolExecutor(4) as pool:
            codes = list(pool.map(lambda _: model.encode(x), range(40)))
        for code in codes:
            np.testing.assert_array_equal(code, codes[0])


@unittest.skipUnless(hasattr(os, "fork"), "no fork here")
class Fork(unittest.TestCase):
    def in_child(self, function, *arguments):
        process = multiprocessing.get_context("fork").Process(target=function, args=arguments)
        process.start()
        process.join(60)
        self.assertEqual(process.exitcode, 0)

    def test_model_in_child(self):
        x, model = waves(), model_of()
        model.fit(x, epochs=1)
        code = model.encode(x)

        def child():
            np.testing.assert_array_equal(model.encode(x), code)
            model.fit(x, epochs=1)
            model.close()
            model_of().fit(x, epochs=1)

        self.in_child(child)
        np.testing.assert_array_equal(model.encode(x), code)

    def test_fork_beside_a_fit(self):
        x, model, other = waves(), model_of(), model_of()
        began = threading.Event()
        thread = threading.Thread(target=model.fit, args=(x,),
                                  kwargs={"epochs": 10**9, "progress": lambda now: began.set()})
        thread.start()
        began.wait()

        def child():
            other.encode(x)
            try:
                model.encode(x)
            except autoenc.Error as error:
                assert error.status == autoenc.ERR_BUSY
                model.close()
                return
            raise AssertionError("what another thread was using at the fork was used in the child")

        self.in_child(child)
        model.cancel()
        thread.join()
        self.assertEqual(model.stopped, "cancel")


if __name__ == "__main__":
    unittest.main()
