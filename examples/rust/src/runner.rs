//! Runners: one task, on many threads at once.
use crate::{owned, sys, wrong, Context, Error, Model, Panics, Result, Rows};
use std::cell::Cell;
use std::marker::PhantomData;
use std::mem::size_of;
use std::ptr::{null, null_mut};

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Task {
    Encode,
    Decode,
    Reconstruct,
    Score,
}

impl Task {
    fn number(self) -> i64 {
        match self {
            Task::Encode => sys::AENC_RUN_ENCODE,
            Task::Decode => sys::AENC_RUN_DECODE,
            Task::Reconstruct => sys::AENC_RUN_RECONSTRUCT,
            Task::Score => sys::AENC_RUN_SCORE,
        }
    }
}

/// A snapshot of a model for one task. It stays with its context; `lend` it to the thread that runs it.
pub struct Runner<'c> {
    raw: *mut sys::aenc_runner,
    ctx: &'c Context,
    width: usize,
}

impl<'c> Runner<'c> {
    pub(crate) fn new(model: &Model<'c>, task: Task, rows: i64) -> Result<Self> {
        let options = sys::aenc_runner_options {
            struct_size: size_of::<sys::aenc_runner_options>(),
            task: task.number(),
            rows,
            ..Default::default()
        };
        let mut raw = null_mut();
        // SAFETY: options and the place for the result outlive the call.
        model.ctx.check(unsafe { sys::aenc_runner_create(model.raw, &options, &mut raw) })?;
        let width = match task {
            Task::Encode => model.code_size(),
            Task::Score => 1,
            Task::Decode | Task::Reconstruct => model.output_size(),
        };
        Ok(Runner { raw, ctx: model.ctx, width })
    }

    pub fn lend(&mut self) -> Lent<'_> {
        Lent { raw: self.raw, width: self.width, panics: Panics::default(), runner: PhantomData }
    }

    /// Adopts the model's present weights. Nobody has the runner meanwhile, as this borrows it mutably.
    pub fn refresh(&mut self) -> Result<()> {
        // SAFETY: on the context's thread.
        self.ctx.check(unsafe { sys::aenc_runner_refresh(self.raw) })
    }
}

impl Drop for Runner<'_> {
    fn drop(&mut self) {
        // SAFETY: created by `new` and freed once, on the context's thread; nobody has it.
        unsafe { sys::aenc_runner_free(self.raw) }
    }
}

/// A runner on loan. The loan ends before the runner can be lent again, refreshed or freed.
pub struct Lent<'r> {
    raw: *mut sys::aenc_runner,
    width: usize,
    panics: Panics,
    /// Not Sync: "each on one thread at a time".
    runner: PhantomData<(&'r mut sys::aenc_runner, Cell<()>)>,
}

// SAFETY: nothing is called but aenc_runner_run and aenc_runner_message: they "belong to the one that uses the runner".
unsafe impl Send for Lent<'_> {}

impl Lent<'_> {
    /// Allocates nothing. out: the rows' results, in a buffer of as many numbers.
    pub fn run(&mut self, x: Rows, out: &mut [f32]) -> Result<()> {
        let need = x.count().checked_mul(self.width).filter(|&need| need == out.len());
        need.ok_or_else(|| wrong(format!("out: {} rows of {} are not {}", x.count(), self.width, out.len())))?;
        // SAFETY: out has the room that is stated, and cannot overlap x, as it is borrowed mutably.
        let status = self
            .panics
            .resumed_here(|| unsafe { sys::aenc_runner_run(self.raw, &x.matrix, null(), out.as_mut_ptr(), out.len()) });
        if status == sys::AENC_OK {
            return Ok(());
        }
        // SAFETY: this thread alone uses the runner.
        Err(Error { status, message: unsafe { owned(sys::aenc_runner_message(self.raw)) } })
    }
}
