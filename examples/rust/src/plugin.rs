//! Losses of one's own: nodes put together, and operations on numbers (docs/extending.md).
use crate::{sys, wrong, Context, Panics, Result, Texts};
use std::ffi::CString;
use std::mem::size_of;
use std::os::raw::c_void;
use std::slice::{from_raw_parts, from_raw_parts_mut};
use std::sync::{Arc, Mutex};

type Forward = dyn Fn(&[f32], &mut [f32]) + Send + Sync;
type Backward = dyn Fn(&[f32], &[f32], &[f32], &mut [f32]) + Send + Sync;

/// An op of two functions on rows of numbers, as many out as in: forward(x, y) fills y, backward(x, y, dy, dx) adds to
/// dx. The library calls them on several threads at once, with some of the rows each.
#[derive(Clone)]
pub struct Operation(Arc<Functions>);

struct Functions {
    name: CString,
    forward: Box<Forward>,
    backward: Box<Backward>,
}

impl Operation {
    pub fn new(
        name: &str,
        forward: impl Fn(&[f32], &mut [f32]) + Send + Sync + 'static,
        backward: impl Fn(&[f32], &[f32], &[f32], &mut [f32]) + Send + Sync + 'static,
    ) -> Result<Self> {
        let name = CString::new(name).map_err(|_| wrong(format!("a name has no NUL: {:?}", name)))?;
        Ok(Operation(Arc::new(Functions { name, forward: Box::new(forward), backward: Box::new(backward) })))
    }
}

/// An operation in the recordings of a plug-in: what its `user` points to. The plug-in keeps it, as it has no release.
struct Recorded {
    operation: Operation,
    panics: Arc<Panics>,
}

unsafe extern "C" fn forward(user: *mut c_void, x: *const f32, y: *mut f32, rows: usize, cols: usize, out: usize) {
    let Recorded { operation: Operation(functions), panics } = &*(user as *const Recorded);
    let (x, y) = (from_raw_parts(x, rows * cols), from_raw_parts_mut(y, rows * out));
    if panics.caught(|| (functions.forward)(x, y)).is_none() {
        y.fill(f32::NAN); // an operation cannot fail, but the step does
    }
}

unsafe extern "C" fn backward(
    user: *mut c_void,
    x: *const f32,
    y: *const f32,
    dy: *const f32,
    dx: *mut f32,
    rows: usize,
    cols: usize,
    out: usize,
) {
    let Recorded { operation: Operation(functions), panics } = &*(user as *const Recorded);
    let (x, y, dy) = (from_raw_parts(x, rows * cols), from_raw_parts(y, rows * out), from_raw_parts(dy, rows * out));
    let dx = from_raw_parts_mut(dx, rows * cols);
    if panics.caught(|| (functions.backward)(x, y, dy, dx)).is_none() {
        dx.fill(f32::NAN);
    }
}

/// What a plug-in's `user` points to, until the last handle of the context has gone.
struct Loss<F> {
    build: F,
    panics: Arc<Panics>,
    operations: Mutex<Vec<Arc<Recorded>>>,
}

struct Recorder<'r> {
    raw: *mut sys::aenc_recorder,
    panics: &'r Arc<Panics>,
    operations: &'r Mutex<Vec<Arc<Recorded>>>,
}

impl Recorder<'_> {
    fn recorded(&self, operation: &Operation) -> *mut c_void {
        let mut all = self.operations.lock().unwrap();
        let place = all.iter().position(|one| Arc::ptr_eq(&one.operation.0, &operation.0)).unwrap_or_else(|| {
            all.push(Arc::new(Recorded { operation: operation.clone(), panics: self.panics.clone() }));
            all.len() - 1
        });
        Arc::as_ptr(&all[place]) as *mut c_void
    }
}

/// A value in a recording, valid until the plug-in returns.
#[derive(Clone, Copy)]
pub struct Node<'r> {
    raw: *mut sys::aenc_node,
    recorder: &'r Recorder<'r>,
}

// SAFETY of the calls below: a node lives as long as its recording, and so does 'r; NULL is accepted by every builder.
impl Node<'_> {
    fn of(self, raw: *mut sys::aenc_node) -> Self {
        Node { raw, ..self }
    }

    /// Elementwise, by name: "square", "tanh" ...
    pub fn function(self, name: &str) -> Self {
        let mut texts = Texts::default();
        match texts.keep(name) {
            Ok(name) => self.of(unsafe { sys::aenc_node_function(self.recorder.raw, name, self.raw) }),
            Err(error) => panic!("{}", error),
        }
    }

    pub fn row_mean(self) -> Self {
        self.of(unsafe { sys::aenc_node_row_mean(self.recorder.raw, self.raw) })
    }

    pub fn operation(self, operation: &Operation) -> Self {
        let raw = sys::aenc_operation {
            struct_size: size_of::<sys::aenc_operation>(),
            name: operation.0.name.as_ptr(),
            user: self.recorder.recorded(operation),
            forward: Some(forward),
            backward: Some(backward),
        };
        unsafe {
            let dims: Vec<usize> =
                (0..sys::aenc_node_rank(self.raw)).map(|axis| sys::aenc_node_dim(self.raw, axis)).collect();
            self.of(sys::aenc_node_operation(self.recorder.raw, &raw, self.raw, dims.as_ptr(), dims.len()))
        }
    }
}

impl std::ops::Sub for Node<'_> {
    type Output = Self;

    fn sub(self, other: Self) -> Self {
        self.of(unsafe { sys::aenc_node_subtract(self.recorder.raw, self.raw, other.raw) })
    }
}

unsafe extern "C" fn build<F: for<'r> Fn(Node<'r>, Node<'r>) -> Node<'r>>(
    user: *mut c_void,
    recorder: *mut sys::aenc_recorder,
    output: *mut sys::aenc_node,
    target: *mut sys::aenc_node,
) -> *mut sys::aenc_node {
    let loss = &*(user as *const Loss<F>);
    let recorder = Recorder { raw: recorder, panics: &loss.panics, operations: &loss.operations };
    let node = |raw| Node { raw, recorder: &recorder };
    let built = loss.panics.caught(|| (loss.build)(node(output), node(target)).raw);
    built.unwrap_or_else(|| {
        sys::aenc_node_fail(recorder.raw, sys::AENC_ERR_ARGUMENT, b"the Rust function panicked\0".as_ptr() as *const _)
    })
}

unsafe extern "C" fn release<F>(user: *mut c_void) {
    let loss = Box::from_raw(user as *mut Loss<F>);
    let panics = loss.panics.clone();
    // What the closure owns may panic when it is dropped; nobody is left to whom that could be passed on.
    let _ = panics.caught(move || drop(loss));
}

impl Context {
    /// A name that stands wherever names of losses do: build(output, target) returns a node with one number per row.
    pub fn register_loss<F>(&self, name: &str, build_loss: F) -> Result<()>
    where
        F: for<'r> Fn(Node<'r>, Node<'r>) -> Node<'r> + Send + 'static,
    {
        let mut texts = Texts::default();
        let name = texts.keep(name)?;
        let user = Box::new(Loss { build: build_loss, panics: self.panics.clone(), operations: Mutex::default() });
        let user = Box::into_raw(user) as *mut c_void;
        let plugin = sys::aenc_plugin {
            struct_size: size_of::<sys::aenc_plugin>(),
            kind: sys::AENC_PLUGIN_LOSS,
            name,
            user,
            release: Some(release::<F>),
            loss: Some(build::<F>),
            ..Default::default()
        };
        // SAFETY: "on failure user stays the caller's"; else the library calls release once.
        self.check(unsafe { sys::aenc_register(self.raw, &plugin) }).map_err(|error| {
            unsafe { release::<F>(user) };
            error
        })
    }
}
