//! Data by the names of fields: of any type in, several results out.
use crate::{sys, wrong, Context, FitOptions, Model, Result, Texts};
use std::marker::PhantomData;
use std::mem::{size_of, size_of_val};
use std::os::raw::c_void;
use std::ptr::{null, null_mut};

/// Elements where they are.
#[derive(Clone, Copy)]
pub enum Values<'a> {
    F32(&'a [f32]),
    I32(&'a [i32]),
    U8(&'a [u8]),
}

/// Dense rows of a field: each of these dimensions, none for one value per row.
#[derive(Clone, Copy)]
pub struct Field<'a> {
    pub name: &'a str,
    pub row: &'a [usize],
    pub values: Values<'a>,
}

impl Field<'_> {
    fn rows(&self) -> Result<usize> {
        let count = match self.values {
            Values::F32(values) => values.len(),
            Values::I32(values) => values.len(),
            Values::U8(values) => values.len(),
        };
        let row = self.row.iter().try_fold(1usize, |size, &dim| size.checked_mul(dim)).filter(|&row| row > 0);
        let whole = row.filter(|row| count % row == 0);
        whole
            .map(|row| count / row)
            .ok_or_else(|| wrong(format!("{}: {} values are no rows of {:?}", self.name, count, self.row)))
    }
}

/// What the library takes arrays as: pointers to structs that point to texts and dimensions.
#[derive(Default)]
struct Arrays {
    texts: Texts,
    dims: Vec<Vec<usize>>,
    arrays: Vec<sys::aenc_array>,
}

impl Arrays {
    fn of(fields: &[Field]) -> Result<Self> {
        let mut arrays = Arrays::default();
        for field in fields {
            let (data, size, kind) = match field.values {
                Values::F32(values) => (values.as_ptr() as *mut c_void, size_of_val(values), sys::AENC_TYPE_F32),
                Values::I32(values) => (values.as_ptr() as *mut c_void, size_of_val(values), sys::AENC_TYPE_I32),
                Values::U8(values) => (values.as_ptr() as *mut c_void, size_of_val(values), sys::AENC_TYPE_U8),
            };
            arrays.push(field.name, field.rows()?, field.row, (data, size, kind))?;
        }
        Ok(arrays)
    }

    fn push(&mut self, name: &str, rows: usize, row: &[usize], data: (*mut c_void, usize, i32)) -> Result<()> {
        self.dims.push(std::iter::once(rows).chain(row.iter().copied()).collect());
        let dims = &self.dims[self.dims.len() - 1];
        self.arrays.push(sys::aenc_array {
            struct_size: size_of::<sys::aenc_array>(),
            name: self.texts.keep(name)?,
            data: data.0,
            size: data.1,
            dims: dims.as_ptr(),
            rank: dims.len(),
            r#type: data.2,
            ..Default::default()
        });
        Ok(())
    }

    fn pointers(&self) -> Vec<*const sys::aenc_array> {
        self.arrays.iter().map(|array| array as *const _).collect()
    }
}

/// Rows of several fields, which stay borrowed: `'a` is the context's and the rows'.
pub struct Source<'a> {
    pub(crate) raw: *mut sys::aenc_source,
    borrowed: PhantomData<(&'a Context, &'a [f32])>,
}

impl<'a> Source<'a> {
    pub fn new(ctx: &'a Context, fields: &[Field<'a>]) -> Result<Self> {
        let arrays = Arrays::of(fields)?;
        let (pointers, mut raw) = (arrays.pointers(), null_mut());
        // SAFETY: structs, names and dimensions are copied; what they point to outlives 'a.
        ctx.check(unsafe { sys::aenc_source_arrays(ctx.raw, pointers.as_ptr(), pointers.len(), &mut raw) })?;
        Ok(Source { raw, borrowed: PhantomData })
    }
}

impl Drop for Source<'_> {
    fn drop(&mut self) {
        // SAFETY: created by `new` and freed once, on the context's thread.
        unsafe { sys::aenc_source_free(self.raw) }
    }
}

/// A field that a model takes, or a result that it gives.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Port {
    pub name: String,
    pub row: Vec<usize>,
    /// AENC_PORT_..., AENC_TYPE_..., AENC_RULE_...
    pub kind: i32,
    pub value: i32,
    pub rule: i32,
    pub count: i64,
}

impl Model<'_> {
    pub fn fit_source(&self, source: &Source, options: FitOptions) -> Result<()> {
        // SAFETY: the source lives, and belongs to a context of this thread.
        self.fit_with(options, |options| unsafe { sys::aenc_fit_source(self.raw, source.raw, options) })
    }

    pub fn ports(&self) -> Result<Vec<Port>> {
        // SAFETY: the model lives.
        let count = unsafe { sys::aenc_model_port_count(self.raw) };
        let port = |index| {
            let mut port = sys::aenc_port { struct_size: size_of::<sys::aenc_port>(), ..Default::default() };
            // SAFETY: the struct states its size; its name is valid as long as the model.
            self.ctx.check(unsafe { sys::aenc_model_port(self.raw, index, &mut port) })?;
            let name = unsafe { crate::owned(port.name) };
            let row = port.dims[..port.rank].to_vec();
            Ok(Port { name, row, kind: port.kind, value: port.r#type, rule: port.rule, count: port.count })
        };
        (0..count).map(port).collect()
    }

    /// Several results in one pass: "code", "output", "score" ...
    pub fn run<const N: usize>(&self, fields: &[Field], results: [&str; N]) -> Result<[Vec<f32>; N]> {
        let given = Arrays::of(fields)?;
        let (mut taken, ports) = (Arrays::default(), self.ports()?);
        let rows = fields.first().map_or(Ok(0), Field::rows)?;
        let mut out = results.map(|_| Vec::new());
        for (name, out) in results.iter().zip(&mut out) {
            let port = ports.iter().find(|port| port.name == *name && port.kind != sys::AENC_PORT_FIELD);
            let port = port.ok_or_else(|| wrong(format!("there is no result '{}'", name)))?;
            let size = port.row.iter().try_fold(rows, |size, &dim| size.checked_mul(dim));
            *out = vec![0f32; size.ok_or_else(|| wrong("the result is too large".into()))?];
            let data = (out.as_mut_ptr() as *mut c_void, size_of_val(&out[..]), sys::AENC_TYPE_F32);
            taken.push(name, rows, &port.row, data)?;
        }
        let (given, taken) = (given.pointers(), taken.pointers());
        // SAFETY: every array states its room; results are new, and overlap nothing.
        self.ctx.check(unsafe {
            sys::aenc_run(self.raw, null(), given.as_ptr(), given.len(), taken.as_ptr(), taken.len())
        })?;
        Ok(out)
    }
}
