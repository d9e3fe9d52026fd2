//! Losses of one's own: nodes put together, and operations on numbers (docs/extending.md).
use crate::{sys, wrong, Context, Panics, Result, Texts};
use std::ffi::CString;
use std::mem::size_of;
use std::os::raw::{c_int, c_void};
use std::slice::{from_raw_parts, from_raw_parts_mut};
use std::sync::Arc;

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

/// An operation in one recording: what its `user` points to, until the library releases it.
struct Recorded {
    operation: Operation,
    panics: Arc<Panics>,
}

const FAILED: c_int = -1; // the panic says more, where the call ends

unsafe extern "C" fn forward(user: *mut c_void, call: *const sys::aenc_operation_call) -> c_int {
    let Recorded { operation: Operation(functions), panics } = &*(user as *const Recorded);
    let call = &*call;
    let x = from_raw_parts(*call.x, call.rows * *call.x_size);
    let y = from_raw_parts_mut(call.y, call.rows * call.y_size);
    panics.caught(|| (functions.forward)(x, y)).map_or(FAILED, |()| 0)
}

unsafe extern "C" fn backward(user: *mut c_void, call: *const sys::aenc_operation_call) -> c_int {
    let Recorded { operation: Operation(functions), panics } = &*(user as *const Recorded);
    let call = &*call;
    let (inputs, outputs) = (call.rows * *call.x_size, call.rows * call.y_size);
    let (x, y, dy) =
        (from_raw_parts(*call.x, inputs), from_raw_parts(call.y, outputs), from_raw_parts(call.dy, outputs));
    let dx = from_raw_parts_mut(call.dx, inputs);
    panics.caught(|| (functions.backward)(x, y, dy, dx)).map_or(FAILED, |()| 0)
}

unsafe extern "C" fn release_recorded(user: *mut c_void) {
    let recorded = Box::from_raw(user as *mut Recorded);
    let panics = recorded.panics.clone();
    let _ = panics.caught(move || drop(recorded));
}

/// What a plug-in's `user` points to, until the last handle of the context has gone.
struct Loss<F> {
    build: F,
    panics: Arc<Panics>,
}

struct Recorder<'r> {
    raw: *mut sys::aenc_recorder,
    panics: &'r Arc<Panics>,
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
            user: Box::into_raw(Box::new(Recorded {
                operation: operation.clone(),
                panics: self.recorder.panics.clone(),
            })) as *mut c_void,
            forward: Some(forward),
            backward: Some(backward),
            release: Some(release_recorded), // once, also where the call fails
        };
        unsafe {
            let dims: Vec<usize> =
                (0..sys::aenc_node_rank(self.raw)).map(|axis| sys::aenc_node_dim(self.raw, axis)).collect();
            self.of(sys::aenc_node_operation(self.recorder.raw, &raw, &self.raw, 1, dims.as_ptr(), dims.len()))
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
    let recorder = Recorder { raw: recorder, panics: &loss.panics };
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
        let user = Box::into_raw(Box::new(Loss { build: build_loss, panics: self.panics.clone() })) as *mut c_void;
        let plugin = sys::aenc_plugin {
            struct_size: size_of::<sys::aenc_plugin>(),
            kind: sys::AENC_PLUGIN_LOSS,
            name,
            user,
            release: Some(release::<F>),
            loss: Some(build::<F>),
            ..Default::default()
        };
        // SAFETY: release "is called exactly once", here where the call fails.
        self.check(unsafe { sys::aenc_register(self.raw, &plugin) })
    }
}
