//! Models: made, trained, used, saved.
use crate::{sys, wrong, Context, Panics, Result, Rows, Runner, Source, Task, Texts};
use std::marker::PhantomData;
use std::mem::size_of;
use std::ops::ControlFlow;
use std::os::raw::{c_char, c_int, c_void};
use std::os::unix::ffi::OsStrExt;
use std::path::Path;
use std::ptr::{null, null_mut};

/// As aenc_model_options; add fields as they are needed.
#[derive(Default, Clone, Copy)]
pub struct ModelOptions<'a> {
    pub input: &'a [usize],
    pub encoder_widths: &'a [usize],
    pub activation: Option<&'a str>,
    pub loss: Option<&'a str>,
    pub penalties: &'a [&'a str],
}

/// Called after each step and epoch; Break ends the fit.
pub type Progress<'a> = &'a mut dyn FnMut(&sys::aenc_progress) -> ControlFlow<()>;

/// As aenc_fit_options.
#[derive(Default)]
pub struct FitOptions<'a> {
    pub optimizer: Option<&'a str>,
    pub epochs: i64,
    pub batch: i64,
    pub target: Option<Rows<'a>>,
    pub valid: Option<Rows<'a>>,
    pub labels: &'a [i32],
    pub weight: &'a [f32],
    pub valid_source: Option<&'a Source<'a>>,
    pub progress: Option<Progress<'a>>,
}

struct Watch<'a> {
    progress: Progress<'a>,
    panics: &'a Panics,
}

unsafe extern "C" fn watch(user: *mut c_void, now: *const sys::aenc_progress) -> c_int {
    // SAFETY: the Watch of the running `fit`; a fit in a fit is refused, so that nobody else has it.
    let watch = &mut *(user as *mut Watch);
    let mut copy = sys::aenc_progress::default();
    let size = (*now).struct_size.min(size_of::<sys::aenc_progress>());
    std::ptr::copy_nonoverlapping(now as *const u8, &mut copy as *mut _ as *mut u8, size);
    if watch.panics.any() {
        return 1;
    }
    let flow = watch.panics.caught(|| (watch.progress)(&copy));
    c_int::from(flow != Some(ControlFlow::Continue(())))
}

fn matrix(rows: &Option<Rows>) -> *const sys::aenc_matrix {
    rows.as_ref().map_or(null(), |rows| &rows.matrix)
}

/// One model of a context, on the context's thread. The calls take &self, so that a progress callback can use the model
/// that it watches; what must not be called there is refused by the library (AENC_ERR_BUSY).
pub struct Model<'c> {
    pub(crate) raw: *mut sys::aenc_model,
    pub(crate) ctx: &'c Context,
}

impl<'c> Model<'c> {
    pub fn new(ctx: &'c Context, options: &ModelOptions) -> Result<Self> {
        let mut texts = Texts::default();
        let penalties = options.penalties.iter().map(|text| texts.keep(text)).collect::<Result<Vec<_>>>()?;
        let options = sys::aenc_model_options {
            struct_size: size_of::<sys::aenc_model_options>(),
            input: options.input.as_ptr(),
            input_rank: options.input.len(),
            encoder_widths: options.encoder_widths.as_ptr(),
            encoder_count: options.encoder_widths.len(),
            activation: texts.keep_some(options.activation)?,
            loss: texts.keep_some(options.loss)?,
            penalties: penalties.as_ptr(),
            penalty_count: penalties.len(),
            ..Default::default()
        };
        // SAFETY: options borrows from texts and the caller's slices, which outlive the call.
        Self::made(ctx, |out| unsafe { sys::aenc_model_create(ctx.raw, &options, out) })
    }

    pub fn load(ctx: &'c Context, path: &Path) -> Result<Self> {
        let path = c_path(path)?;
        // SAFETY: a NUL-terminated path.
        Self::made(ctx, |out| unsafe { sys::aenc_model_load(ctx.raw, path.as_ptr() as *const c_char, out) })
    }

    pub fn from_bytes(ctx: &'c Context, bytes: &[u8]) -> Result<Self> {
        let data = bytes.as_ptr() as *const c_void;
        // SAFETY: bytes outlive the call.
        Self::made(ctx, |out| unsafe { sys::aenc_model_load_memory(ctx.raw, data, bytes.len(), out) })
    }

    fn made(ctx: &'c Context, make: impl FnOnce(*mut *mut sys::aenc_model) -> sys::aenc_status) -> Result<Self> {
        let mut raw = null_mut();
        ctx.check(make(&mut raw))?;
        Ok(Model { raw, ctx })
    }

    pub fn save(&self, path: &Path) -> Result<()> {
        let path = c_path(path)?;
        // SAFETY: a NUL-terminated path.
        self.ctx.check(unsafe { sys::aenc_model_save(self.raw, path.as_ptr() as *const c_char) })
    }

    pub fn to_bytes(&self) -> Result<Vec<u8>> {
        let mut size = 0;
        // SAFETY: first the size alone, then as many bytes.
        self.ctx.check(unsafe { sys::aenc_model_save_memory(self.raw, null_mut(), 0, &mut size) })?;
        let mut bytes = vec![0u8; size];
        let data = bytes.as_mut_ptr() as *mut c_void;
        self.ctx.check(unsafe { sys::aenc_model_save_memory(self.raw, data, bytes.len(), &mut size) })?;
        Ok(bytes)
    }

    pub fn code_size(&self) -> usize {
        // SAFETY: the model lives.
        unsafe { sys::aenc_model_code_size(self.raw) }
    }

    pub fn output_size(&self) -> usize {
        // SAFETY: the model lives.
        unsafe { sys::aenc_model_output_size(self.raw) }
    }

    /// A panic of the progress callback ends the fit and goes on from here.
    pub fn fit(&self, x: Rows, options: FitOptions) -> Result<()> {
        // SAFETY: x outlives the call.
        self.fit_with(options, |options| unsafe { sys::aenc_fit(self.raw, &x.matrix, options) })
    }

    pub(crate) fn fit_with(
        &self,
        options: FitOptions,
        fit: impl FnOnce(*const sys::aenc_fit_options) -> sys::aenc_status,
    ) -> Result<()> {
        let mut texts = Texts::default();
        let mut raw = sys::aenc_fit_options {
            struct_size: size_of::<sys::aenc_fit_options>(),
            optimizer: texts.keep_some(options.optimizer)?,
            epochs: options.epochs,
            batch: options.batch,
            target: matrix(&options.target),
            valid: matrix(&options.valid),
            weight: if options.weight.is_empty() { null() } else { options.weight.as_ptr() },
            weight_count: options.weight.len(),
            valid_source: options.valid_source.map_or(null(), |source| source.raw),
            labels: if options.labels.is_empty() { null() } else { options.labels.as_ptr() },
            label_count: options.labels.len(),
            ..Default::default()
        };
        let mut seen = options.progress.map(|progress| Watch { progress, panics: &self.ctx.panics });
        if let Some(seen) = &mut seen {
            raw.progress = Some(watch);
            raw.progress_user = seen as *mut Watch as *mut c_void;
        }
        // What raw points to outlives the call.
        self.ctx.check(fit(&raw))
    }

    /// Why the last fit ended: AENC_STOPPED_...
    pub fn stopped(&self) -> i32 {
        // SAFETY: the model lives.
        unsafe { sys::aenc_model_stopped(self.raw) }
    }

    /// What ends the running fit from another thread.
    pub fn canceller(&self) -> Canceller<'_> {
        Canceller { raw: self.raw, model: PhantomData }
    }

    pub fn encode(&self, x: Rows) -> Result<Vec<f32>> {
        self.rows_to(sys::aenc_encode, x, self.code_size())
    }

    pub fn decode(&self, code: Rows) -> Result<Vec<f32>> {
        self.rows_to(sys::aenc_decode, code, self.output_size())
    }

    pub fn reconstruct(&self, x: Rows) -> Result<Vec<f32>> {
        self.rows_to(sys::aenc_reconstruct, x, self.output_size())
    }

    pub fn score(&self, x: Rows) -> Result<Vec<f32>> {
        let mut out = vec![0f32; x.count()];
        // SAFETY: out has the room that is stated, and is new: it overlaps nothing.
        self.ctx.check(unsafe { sys::aenc_score(self.raw, &x.matrix, null(), out.as_mut_ptr(), out.len()) })?;
        Ok(out)
    }

    fn rows_to(&self, call: sys::rows_to_floats, x: Rows, width: usize) -> Result<Vec<f32>> {
        let floats = x.count().checked_mul(width).ok_or_else(|| wrong("the result is too large".into()))?;
        let mut out = vec![0f32; floats];
        // SAFETY: as in score.
        self.ctx.check(unsafe { call(self.raw, &x.matrix, out.as_mut_ptr(), out.len()) })?;
        Ok(out)
    }

    /// rows: how many go through at a time; 0: 1.
    pub fn runner(&self, task: Task, rows: i64) -> Result<Runner<'c>> {
        Runner::new(self, task, rows)
    }
}

impl Drop for Model<'_> {
    fn drop(&mut self) {
        // SAFETY: made by `made`, and freed once, on the context's thread, as Model is not Send.
        unsafe { sys::aenc_model_free(self.raw) }
    }
}

fn c_path(path: &Path) -> Result<Vec<u8>> {
    let mut bytes = path.as_os_str().as_bytes().to_vec();
    if bytes.contains(&0) {
        return Err(wrong(format!("a path has no NUL: {:?}", path)));
    }
    bytes.push(0);
    Ok(bytes)
}

/// Ends the fit of a model at its next step, from any thread.
#[derive(Clone, Copy)]
pub struct Canceller<'m> {
    raw: *mut sys::aenc_model,
    model: PhantomData<&'m sys::aenc_model>,
}

// SAFETY: aenc_model_cancel alone is called, "from any thread and from a signal handler"; the model outlives 'm.
unsafe impl Send for Canceller<'_> {}
unsafe impl Sync for Canceller<'_> {}

impl Canceller<'_> {
    pub fn cancel(&self) {
        // SAFETY: as above.
        unsafe { sys::aenc_model_cancel(self.raw) }
    }
}
