//! libautoenc from Rust: raw bindings in `sys`, and a small safe layer to copy and to extend. Only std is needed.
//!
//! What the layer promises, and from which sentence of autoenc.h it follows:
//!
//! * `Context` is `Send` and not `Sync`: "a context and what belongs to it are used by one thread at a time". It can be
//!   moved while nothing borrows it; then everything that belongs to it has been freed.
//! * `Model<'_>` and `Runner<'_>` are neither: they share their context, so one of them on another thread would be two
//!   threads in one context. They borrow it. The library would keep it alive anyway; the borrow keeps it on their
//!   thread.
//! * `Lent<'_>`, a runner lent to another thread, is `Send` and not `Sync`: "each on one thread at a time". It is a
//!   loan because the runner is created and freed by the thread of its context.
//! * `Canceller<'_>` is both: aenc_model_cancel is called from any thread.
//! * Builders of plug-ins are `Send`, since they go where their context goes; operations are `Sync` too, since they are
//!   "called from several threads at once".
//!
//! A panic in a callback does not unwind through C, which is undefined: it is caught, the call is ended, and the panic
//! goes on when the call has returned. Failures are `Error`s with the library's message.
use std::any::Any;
use std::cell::Cell;
use std::ffi::{CStr, CString};
use std::marker::PhantomData;
use std::os::raw::c_char;
use std::panic::{catch_unwind, resume_unwind, AssertUnwindSafe};
use std::sync::{Arc, Mutex};

mod fields;
mod model;
mod plugin;
mod runner;
pub mod sys;

pub use fields::{Field, Port, Source, Values};
pub use model::{Canceller, FitOptions, Model, ModelOptions};
pub use plugin::{Node, Operation};
pub use runner::{Lent, Runner, Task};

/// A call failed. status is negative; one that is not known here is a failure too.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Error {
    pub status: sys::aenc_status,
    pub message: String,
}

impl std::fmt::Display for Error {
    fn fmt(&self, to: &mut std::fmt::Formatter) -> std::fmt::Result {
        // SAFETY: static text for every number.
        let name = unsafe { CStr::from_ptr(sys::aenc_status_name(self.status)) };
        write!(to, "{}: {}", name.to_string_lossy(), self.message)
    }
}

impl std::error::Error for Error {}

pub type Result<T> = std::result::Result<T, Error>;

fn wrong(message: String) -> Error {
    Error { status: sys::AENC_ERR_ARGUMENT, message }
}

/// # Safety
/// text is one that the library returned, and is still valid.
unsafe fn owned(text: *const c_char) -> String {
    CStr::from_ptr(text).to_string_lossy().into_owned()
}

/// C texts that live for a call.
#[derive(Default)]
struct Texts(Vec<CString>);

impl Texts {
    fn keep(&mut self, text: &str) -> Result<*const c_char> {
        let text = CString::new(text).map_err(|_| wrong(format!("a text has no NUL: {:?}", text)))?;
        self.0.push(text);
        Ok(self.0[self.0.len() - 1].as_ptr())
    }

    fn keep_some(&mut self, text: Option<&str>) -> Result<*const c_char> {
        text.map_or(Ok(std::ptr::null()), |text| self.keep(text))
    }
}

/// Rows of numbers, borrowed: dense ones, or every row a part of a longer one.
#[derive(Clone, Copy)]
pub struct Rows<'a> {
    matrix: sys::aenc_matrix,
    data: PhantomData<&'a [f32]>,
}

// SAFETY: a shared slice, spelled in C.
unsafe impl Send for Rows<'_> {}
unsafe impl Sync for Rows<'_> {}

impl<'a> Rows<'a> {
    pub fn new(data: &'a [f32], cols: usize) -> Result<Self> {
        Self::with_stride(data, cols, cols)
    }

    /// Row r is data[r * stride .. r * stride + cols].
    pub fn with_stride(data: &'a [f32], cols: usize, stride: usize) -> Result<Self> {
        if cols == 0 || stride < cols || data.len() < cols {
            return Err(wrong(format!("{} numbers are no rows of {} with stride {}", data.len(), cols, stride)));
        }
        let rows = (data.len() - cols) / stride + 1;
        Ok(Rows { matrix: sys::aenc_matrix { data: data.as_ptr(), rows, cols, stride }, data: PhantomData })
    }

    pub fn count(&self) -> usize {
        self.matrix.rows
    }
}

/// The first panic of a call's callbacks.
#[derive(Default)]
struct Panics(Mutex<Option<Box<dyn Any + Send>>>);

thread_local! {
    /// Where panics go while a runner runs on this thread; elsewhere they are the context's.
    static OF_RUNNER: Cell<*const Panics> = Cell::new(std::ptr::null());
}

impl Panics {
    /// Does a callback's work. None: it panicked, and the call that called back has to end.
    fn caught<T>(&self, work: impl FnOnce() -> T) -> Option<T> {
        catch_unwind(AssertUnwindSafe(work))
            .map_err(|payload| {
                // SAFETY: not null only while `resumed_here`, further up the stack, borrows the place.
                let mine = unsafe { OF_RUNNER.with(Cell::get).as_ref() }.unwrap_or(self);
                mine.0.lock().unwrap().get_or_insert(payload);
            })
            .ok()
    }

    fn any(&self) -> bool {
        self.0.lock().unwrap().is_some()
    }

    /// After the call.
    fn resume(&self) {
        let payload = self.0.lock().unwrap().take();
        if let Some(payload) = payload {
            resume_unwind(payload);
        }
    }

    /// A runner's call, with its own place for panics.
    fn resumed_here<T>(&self, call: impl FnOnce() -> T) -> T {
        let outer = OF_RUNNER.with(|here| here.replace(self));
        let result = call();
        OF_RUNNER.with(|here| here.set(outer));
        self.resume();
        result
    }
}

/// The home of models: seed, threads, plug-ins.
pub struct Context {
    raw: *mut sys::aenc_context,
    panics: Arc<Panics>,
}

// SAFETY: which thread it is may change, "if the program orders the accesses" (docs/embedding.md), as a move does; what
// else the library keeps for the context, plug-ins, is Send.
unsafe impl Send for Context {}

impl Context {
    /// threads: workers, the caller's thread included; 0 is 1.
    pub fn new(seed: u64, threads: i64) -> Result<Self> {
        let mut reason = [0u8; 512];
        let options = sys::aenc_context_options {
            struct_size: std::mem::size_of::<sys::aenc_context_options>(),
            seed,
            threads,
            error: reason.as_mut_ptr() as *mut _,
            error_size: reason.len(),
            ..Default::default()
        };
        let mut raw = std::ptr::null_mut();
        // SAFETY: the struct, its room for a reason and the place for the result outlive the call.
        let status = unsafe { sys::aenc_context_create(&options, &mut raw) };
        if status != sys::AENC_OK {
            let length = reason.iter().position(|&byte| byte == 0).unwrap_or(0);
            return Err(Error { status, message: String::from_utf8_lossy(&reason[..length]).into_owned() });
        }
        Ok(Context { raw, panics: Default::default() })
    }

    /// What a call on this context, or on what belongs to it, returned.
    fn check(&self, status: sys::aenc_status) -> Result<()> {
        self.panics.resume();
        if status == sys::AENC_OK {
            return Ok(());
        }
        // SAFETY: valid until the next failing call; this thread is the only one here.
        Err(Error { status, message: unsafe { owned(sys::aenc_message(self.raw)) } })
    }
}

impl Drop for Context {
    fn drop(&mut self) {
        // SAFETY: created by `new`, and freed once. Nothing borrows it.
        unsafe { sys::aenc_context_free(self.raw) }
    }
}

mod markers {
    //! What the first comment says, checked by the compiler: a NotSend that is Send is ambiguous and does not build.
    #![allow(dead_code)]
    use super::*;

    trait NotSend<A> {
        fn holds() {}
    }
    impl<T: ?Sized> NotSend<()> for T {}
    impl<T: ?Sized + Send> NotSend<u8> for T {}
    trait NotSync<A> {
        fn holds() {}
    }
    impl<T: ?Sized> NotSync<()> for T {}
    impl<T: ?Sized + Sync> NotSync<u8> for T {}

    const fn send<T: Send>() {}
    const fn sync<T: Sync>() {}

    const _: () = {
        send::<Context>();
        send::<Lent<'static>>();
        send::<Canceller<'static>>();
        sync::<Canceller<'static>>();
        send::<Operation>();
        sync::<Operation>();
        send::<Error>();
        let _ = <Context as NotSync<_>>::holds;
        let _ = <Model<'static> as NotSend<_>>::holds;
        let _ = <Model<'static> as NotSync<_>>::holds;
        let _ = <Source<'static> as NotSend<_>>::holds;
        let _ = <Runner<'static> as NotSend<_>>::holds;
        let _ = <Runner<'static> as NotSync<_>>::holds;
        let _ = <Lent<'static> as NotSync<_>>::holds;
        let _ = <Node<'static> as NotSend<_>>::holds;
    };
}
