//! The safe layer used and misused, as an introduction to it.
use autoenc::{sys, Context, Field, FitOptions, Model, ModelOptions, Operation, Rows, Source, Task, Values};
use std::ops::ControlFlow;
use std::panic::{catch_unwind, AssertUnwindSafe};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::mpsc::channel;
use std::sync::{Arc, Barrier};
use std::thread;

const ROWS: usize = 256;
const COLS: usize = 12;
const CODE: usize = 3;

fn waves() -> Vec<f32> {
    (0..ROWS * COLS).map(|i| (0.11 * (i / COLS) as f32 + 0.5 * (i % COLS) as f32).sin()).collect()
}

fn rows(data: &[f32]) -> Rows<'_> {
    Rows::new(data, COLS).unwrap()
}

fn options(loss: Option<&str>) -> ModelOptions<'_> {
    ModelOptions { input: &[COLS], encoder_widths: &[8, CODE], activation: Some("tanh"), loss, ..Default::default() }
}

fn epochs<'a>(epochs: i64) -> FitOptions<'a> {
    FitOptions { epochs, batch: 32, ..Default::default() }
}

fn fitted<'c>(ctx: &'c Context, loss: Option<&str>) -> Model<'c> {
    let model = Model::new(ctx, &options(loss)).unwrap();
    model.fit(rows(&waves()), epochs(3)).unwrap();
    model
}

/// The text of the panic that comes out of a call.
fn panic_of<T>(call: impl FnOnce() -> T) -> &'static str {
    let payload = catch_unwind(AssertUnwindSafe(call)).err().expect("a panic was to come out");
    payload.downcast_ref::<&'static str>().expect("a text")
}

#[test]
fn several_results() {
    let (data, ctx) = (waves(), Context::new(7, 2).unwrap());
    let model = Model::new(&ctx, &options(None)).unwrap();
    let mut losses = Vec::new();
    let mut progress = |now: &sys::aenc_progress| {
        if now.event == sys::AENC_EVENT_EPOCH {
            losses.push(now.train_loss);
        }
        ControlFlow::Continue(())
    };
    let optimizer = Some("adam:lr=0.01");
    model.fit(rows(&data), FitOptions { optimizer, progress: Some(&mut progress), ..epochs(20) }).unwrap();
    assert!(losses.len() == 20 && losses[19] < 0.5 * losses[0]);
    assert_eq!(model.stopped(), sys::AENC_STOPPED_END);
    let code = model.encode(rows(&data)).unwrap();
    let output = model.reconstruct(rows(&data)).unwrap();
    let score = model.score(rows(&data)).unwrap();
    assert_eq!((code.len(), output.len(), score.len()), (ROWS * CODE, ROWS * COLS, ROWS));
    let mse = data.iter().zip(&output).take(COLS).map(|(x, y)| (x - y).powi(2)).sum::<f32>() / COLS as f32;
    assert!((score[0] - mse).abs() < 1e-4);
    let decoded = model.decode(Rows::new(&code, CODE).unwrap()).unwrap();
    assert!(decoded.iter().zip(&output).all(|(a, b)| (a - b).abs() < 1e-5));
    let every_other = Rows::with_stride(&data, COLS, 2 * COLS).unwrap();
    assert_eq!(model.encode(every_other).unwrap()[CODE..2 * CODE], code[2 * CODE..3 * CODE]);
}

#[test]
fn fields_in_and_results_out() {
    let ctx = Context::new(7, 2).unwrap();
    let label: Vec<i32> = (0..ROWS as i32).map(|row| row % 3).collect();
    let pixels: Vec<u8> = (0..ROWS * 24).map(|i| (i * 7 % 80 + i / 24 % 3 * 85) as u8).collect();
    let weight: Vec<f32> = label.iter().map(|&class| if class == 2 { 2.0 } else { 1.0 }).collect();
    let fields = [
        Field { name: "input", row: &[4, 6], values: Values::U8(&pixels) },
        Field { name: "target", row: &[], values: Values::I32(&label) },
        Field { name: "weight", row: &[], values: Values::F32(&weight) },
    ];
    let loss = Some("cross_entropy:classes=3");
    let options = ModelOptions { input: &[4, 6], encoder_widths: &[8, CODE], loss, ..Default::default() };
    let model = Model::new(&ctx, &options).unwrap();
    let source = Source::new(&ctx, &fields).unwrap();
    let optimizer = Some("adam:lr=0.01");
    model.fit_source(&source, FitOptions { optimizer, valid_source: Some(&source), ..epochs(40) }).unwrap();
    let [code, output, score] = model.run(&fields[..2], ["code", "output", "score"]).unwrap();
    assert_eq!((code.len(), output.len(), score.len()), (ROWS * CODE, ROWS * 3, ROWS));
    let right = |(row, &class): (&[f32], &i32)| row.iter().all(|&logit| logit <= row[class as usize]);
    assert!(output.chunks(3).zip(&label).filter(|&pair| right(pair)).count() > ROWS * 95 / 100);
    let floats: Vec<f32> = pixels.iter().map(|&pixel| f32::from(pixel) / 255.0).collect();
    let encoded = model.encode(Rows::new(&floats, 24).unwrap()).unwrap();
    assert!(encoded.iter().zip(&code).all(|(a, b)| (a - b).abs() < 1e-4));
    let target = model.ports().unwrap().into_iter().find(|port| port.name == "target").unwrap();
    assert_eq!((target.kind, target.rule, target.count), (sys::AENC_PORT_FIELD, sys::AENC_RULE_CLASSES, 3));
    assert!(model.run(&fields[..1], ["score"]).unwrap_err().message.contains("'target' is needed"));
    assert!(model.run(&fields[..1], ["scores"]).is_err());
    let short = Field { values: Values::I32(&label[1..]), ..fields[1] };
    assert_eq!(model.run(&[fields[0], short], ["score"]).unwrap_err().status, sys::AENC_ERR_SHAPE);
    assert!(Source::new(&ctx, &[Field { row: &[5, 6], ..fields[0] }]).is_err());
}

#[test]
fn failures_are_errors() {
    let (mut data, ctx) = (waves(), Context::new(0, 1).unwrap());
    let error = Model::new(&ctx, &options(Some("msee"))).err().unwrap();
    assert_eq!(error.status, sys::AENC_ERR_ARGUMENT);
    assert!(error.to_string().starts_with("AENC_ERR_ARGUMENT: ") && error.message.contains("'msee'"), "{}", error);
    assert!(Model::new(&ctx, &options(Some("m\0se"))).is_err());
    let model = Model::new(&ctx, &options(None)).unwrap();
    data[3 * COLS + 5] = f32::NAN;
    let error = model.fit(rows(&data), epochs(1)).unwrap_err();
    assert!(error.status == sys::AENC_ERR_NONFINITE && error.message.contains("x[3, 5]"), "{}", error);
    assert_eq!(model.encode(Rows::new(&data, COLS / 2).unwrap()).unwrap_err().status, sys::AENC_ERR_SHAPE);
    assert!(Rows::new(&data[..3], COLS).is_err() && Rows::with_stride(&data, COLS, 3).is_err());
    let labels = vec![0; ROWS - 1];
    let classes = Model::new(&ctx, &options(Some("cross_entropy:classes=2"))).unwrap();
    let error = classes.fit(rows(&waves()), FitOptions { labels: &labels, ..epochs(1) }).unwrap_err();
    assert!(error.message.contains("label"), "{}", error);
}

#[test]
fn saved_and_loaded() {
    let (data, ctx) = (waves(), Context::new(7, 1).unwrap());
    let model = fitted(&ctx, None);
    let path = std::env::temp_dir().join(format!("autoenc-{}.model", std::process::id()));
    model.save(&path).unwrap();
    let other = Context::new(0, 1).unwrap();
    let loaded = Model::load(&other, &path).unwrap();
    std::fs::remove_file(&path).unwrap();
    let again = Model::from_bytes(&other, &model.to_bytes().unwrap()).unwrap();
    let code = model.encode(rows(&data)).unwrap();
    assert_eq!(loaded.encode(rows(&data)).unwrap(), code);
    assert_eq!(again.encode(rows(&data)).unwrap(), code);
    assert_eq!(Model::load(&other, &path).err().unwrap().status, sys::AENC_ERR_IO);
}

#[test]
fn losses_of_ones_own() {
    let (data, ctx) = (waves(), Context::new(7, 2).unwrap());
    let released = Arc::new(());
    let held = released.clone();
    ctx.register_loss("nodes", move |output, target| {
        let _ = &held;
        (output - target).function("square").row_mean()
    })
    .unwrap();
    let calls = Arc::new(AtomicUsize::new(0));
    let count = calls.clone();
    let square = Operation::new(
        "square",
        move |x, y| {
            count.fetch_add(1, Ordering::Relaxed);
            y.iter_mut().zip(x).for_each(|(y, x)| *y = x * x)
        },
        |x, _, dy, dx| (0..x.len()).for_each(|i| dx[i] += 2.0 * x[i] * dy[i]),
    )
    .unwrap();
    ctx.register_loss("numbers", move |output, target| (output - target).operation(&square).row_mean()).unwrap();
    let mse = fitted(&ctx, Some("mse")).encode(rows(&data)).unwrap();
    assert_eq!(fitted(&ctx, Some("nodes")).encode(rows(&data)).unwrap(), mse);
    let numbers = fitted(&ctx, Some("numbers")).encode(rows(&data)).unwrap();
    assert!(numbers.iter().zip(&mse).all(|(a, b)| (a - b).abs() < 1e-3));
    assert!(calls.load(Ordering::Relaxed) > 0);
    assert!(ctx.register_loss("nodes", |output, _| output).is_err());
    assert_eq!(Arc::strong_count(&released), 2);
    drop(ctx);
    assert_eq!(Arc::strong_count(&released), 1);
}

#[test]
fn progress_stops_panics_and_looks() {
    let (data, ctx) = (waves(), Context::new(0, 1).unwrap());
    let model = Model::new(&ctx, &options(None)).unwrap();
    let mut seen = None;
    let mut stop = |_: &sys::aenc_progress| {
        seen = Some(model.encode(rows(&data)).unwrap().len());
        assert_eq!(model.fit(rows(&data), epochs(1)).unwrap_err().status, sys::AENC_ERR_BUSY);
        ControlFlow::Break(())
    };
    model.fit(rows(&data), FitOptions { progress: Some(&mut stop), ..epochs(20) }).unwrap();
    assert_eq!((model.stopped(), seen), (sys::AENC_STOPPED_CALLBACK, Some(ROWS * CODE)));
    let mut calls = 0;
    let mut fails = |_: &sys::aenc_progress| {
        calls += 1;
        panic!("in progress")
    };
    let fit = FitOptions { progress: Some(&mut fails), ..epochs(20) };
    assert_eq!(panic_of(|| model.fit(rows(&data), fit)), "in progress");
    assert_eq!(calls, 1);
    model.fit(rows(&data), epochs(1)).unwrap();
}

#[test]
fn plugins_panic() {
    let (data, ctx) = (waves(), Context::new(0, 2).unwrap());
    let armed: [Arc<AtomicBool>; 3] = Default::default();
    let [building, forward, backward] = armed.clone();
    let identity = Operation::new(
        "identity",
        move |x, y| {
            assert!(!forward.load(Ordering::Relaxed), "forward");
            y.copy_from_slice(x)
        },
        move |_, _, dy, dx| {
            assert!(!backward.load(Ordering::Relaxed), "backward");
            (0..dx.len()).for_each(|i| dx[i] += dy[i])
        },
    )
    .unwrap();
    ctx.register_loss("mine", move |output, target| {
        assert!(!building.load(Ordering::Relaxed), "building");
        (output - target).operation(&identity).function("square").row_mean()
    })
    .unwrap();
    let model = fitted(&ctx, Some("mine"));
    let before = model.encode(rows(&data)).unwrap();
    for (place, text) in [(1, "forward"), (2, "backward"), (0, "building")] {
        armed[place].store(true, Ordering::Relaxed);
        if place == 0 {
            assert_eq!(panic_of(|| fitted(&ctx, Some("mine"))), text);
        } else {
            assert_eq!(panic_of(|| model.fit(rows(&data), epochs(1))), text);
        }
        armed[place].store(false, Ordering::Relaxed);
        assert_eq!(model.encode(rows(&data)).unwrap(), before);
    }
    // A runner's panics are its own, also beside a call of the context.
    let (mut runner, mut score) = (model.runner(Task::Score, 16).unwrap(), vec![0.0; ROWS]);
    armed[1].store(true, Ordering::Relaxed);
    thread::scope(|scope| {
        let mut lent = runner.lend();
        let (rows, score) = (rows(&data), &mut score);
        scope.spawn(move || assert_eq!(panic_of(|| lent.run(rows, score)), "forward")).join().unwrap();
    });
    armed[1].store(false, Ordering::Relaxed);
    assert_eq!(model.encode(rows(&data)).unwrap(), before);
    runner.lend().run(rows(&data), &mut score).unwrap();
}

#[test]
fn runners_on_threads() {
    let (data, ctx) = (waves(), Context::new(7, 2).unwrap());
    let model = fitted(&ctx, None);
    let mut expected = vec![0.0; ROWS * CODE];
    model.runner(Task::Encode, 16).unwrap().lend().run(rows(&data), &mut expected).unwrap();
    let mut runners: Vec<_> = (0..4).map(|_| model.runner(Task::Encode, 1).unwrap()).collect();
    let began = &Barrier::new(5);
    thread::scope(|scope| {
        let parts = data.chunks(ROWS / 4 * COLS).zip(expected.chunks(ROWS / 4 * CODE));
        for (runner, (x, expected)) in runners.iter_mut().zip(parts) {
            let mut lent = runner.lend();
            scope.spawn(move || {
                began.wait();
                for (x, expected) in x.chunks(COLS).zip(expected.chunks(CODE)) {
                    let mut code = [0.0; CODE];
                    lent.run(rows(x), &mut code).unwrap();
                    assert_eq!(code, expected);
                }
                assert!(lent.run(rows(x), &mut [0.0]).is_err());
                let error = lent.run(Rows::new(x, 1).unwrap(), &mut vec![0.0; x.len() * CODE]).unwrap_err();
                assert_eq!(error.status, sys::AENC_ERR_SHAPE, "{}", error);
            });
        }
        began.wait();
        model.fit(rows(&data), epochs(3)).unwrap();
    });
    let mut code = expected.clone();
    runners[0].lend().run(rows(&data), &mut code).unwrap();
    assert_eq!(code, expected);
    runners[0].refresh().unwrap();
    drop(model);
    runners[0].lend().run(rows(&data), &mut code).unwrap();
    assert_ne!(code, expected);
}

#[test]
fn cancelled_from_another_thread() {
    let (data, ctx) = (waves(), Context::new(0, 1).unwrap());
    let model = Model::new(&ctx, &options(None)).unwrap();
    thread::scope(|scope| {
        let ((started, running), canceller) = (channel(), model.canceller());
        scope.spawn(move || {
            running.recv().unwrap();
            canceller.cancel();
        });
        let mut progress = |_: &sys::aenc_progress| {
            let _ = started.send(());
            ControlFlow::Continue(())
        };
        model.fit(rows(&data), FitOptions { progress: Some(&mut progress), ..epochs(1_000_000_000) }).unwrap();
    });
    assert_eq!(model.stopped(), sys::AENC_STOPPED_CANCEL);
}

#[test]
fn context_on_another_thread() {
    let ctx = Context::new(7, 2).unwrap();
    let before = fitted(&ctx, None).to_bytes().unwrap();
    let (ctx, after) = thread::spawn(move || {
        let after = fitted(&ctx, None).to_bytes().unwrap();
        (ctx, after)
    })
    .join()
    .unwrap();
    assert_eq!(Model::from_bytes(&ctx, &after).unwrap().code_size(), CODE);
    assert_eq!(before, after);
}
