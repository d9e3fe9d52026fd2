//! The part of autoenc.h and ops.h that the safe layer uses, by hand and in C's names. `layout` lists every struct and
//! constant for the test that compares them with the C compiler's.
#![allow(non_camel_case_types)]
use std::os::raw::{c_char, c_int, c_void};

macro_rules! handles { ($($name:ident)*) => { $(#[repr(C)] pub struct $name { _opaque: [u8; 0] })* } }

handles! { aenc_context aenc_model aenc_source aenc_layer aenc_runner aenc_recorder aenc_node }

pub type aenc_status = i32;

/// Structs with their layouts, all zero by default, and constants with their values.
macro_rules! header {
    (
        structs { $($name:ident { $($field:ident: $kind:ty,)* })* }
        constants { $($constant:ident: $type:ty = $value:expr,)* }
    ) => {
        $(
            #[repr(C)]
            #[derive(Clone, Copy)]
            pub struct $name { $(pub $field: $kind,)* }
            impl Default for $name {
                fn default() -> Self {
                    // SAFETY: numbers, raw pointers and optional functions only.
                    unsafe { std::mem::zeroed() }
                }
            }
        )*
        $(pub const $constant: $type = $value;)*

        /// Expressions of C and their values.
        pub fn layout() -> Vec<(String, i64)> {
            let mut lines = Vec::new();
            $({
                let one = <$name>::default();
                let start = &one as *const _ as usize;
                let name = stringify!($name);
                lines.push((format!("sizeof({})", name), std::mem::size_of::<$name>() as i64));
                $({
                    let place = &one.$field as *const _ as usize - start;
                    let member = stringify!($field).trim_start_matches("r#");
                    lines.push((format!("offsetof({}, {})", name, member), place as i64));
                    let size = std::mem::size_of_val(&one.$field) as i64;
                    lines.push((format!("sizeof((({} *)0)->{})", name, member), size));
                })*
            })*
            $(lines.push((stringify!($constant).into(), i64::from($constant)));)*
            lines
        }
    };
}

pub type progress_function = unsafe extern "C" fn(*mut c_void, *const aenc_progress) -> c_int;
pub type reduce_function = unsafe extern "C" fn(*mut c_void, *mut aenc_sums) -> c_int;
pub type operation_function = unsafe extern "C" fn(*mut c_void, *const aenc_operation_call) -> c_int;
pub type build_1 = unsafe extern "C" fn(*mut c_void, *mut aenc_recorder, *mut aenc_node) -> *mut aenc_node;
pub type build_2 =
    unsafe extern "C" fn(*mut c_void, *mut aenc_recorder, *mut aenc_node, *mut aenc_node) -> *mut aenc_node;
pub type build_3 = unsafe extern "C" fn(
    *mut c_void,
    *mut aenc_recorder,
    *mut aenc_node,
    *mut aenc_node,
    *mut aenc_node,
) -> *mut aenc_node;
pub type mirror_function =
    unsafe extern "C" fn(*mut c_void, *const aenc_recorder, *const usize, usize, *mut c_char, usize) -> c_int;

header! {
    structs {
        aenc_context_options {
            struct_size: usize,
            seed: u64,
            threads: i64,
            allocate: Option<unsafe extern "C" fn(*mut c_void, usize, usize) -> *mut c_void>,
            release: Option<unsafe extern "C" fn(*mut c_void, *mut c_void, usize, usize)>,
            allocator_user: *mut c_void,
            blas_threads: *const c_char,
            error: *mut c_char,
            error_size: usize,
        }
        aenc_matrix {
            data: *const f32,
            rows: usize,
            cols: usize,
            stride: usize,
        }
        aenc_array {
            struct_size: usize,
            name: *const c_char,
            data: *mut c_void,
            size: usize,
            dims: *const usize,
            strides: *const i64,
            rank: usize,
            r#type: i32,
            device: i32,
        }
        aenc_port {
            struct_size: usize,
            name: *const c_char,
            rank: usize,
            dims: [usize; 6],
            size: usize,
            count: i64,
            kind: i32,
            r#type: i32,
            rule: i32,
            trained: i32,
        }
        aenc_model_options {
            struct_size: usize,
            input: *const usize,
            input_rank: usize,
            encoder_widths: *const usize,
            encoder_count: usize,
            decoder_widths: *const usize,
            decoder_count: usize,
            activation: *const c_char,
            code_activation: *const c_char,
            output: *const c_char,
            loss: *const c_char,
            init: *const c_char,
            encoder_layers: *const aenc_layer,
            decoder_layers: *const aenc_layer,
            penalties: *const *const c_char,
            penalty_count: usize,
            corruptions: *const *const c_char,
            corruption_count: usize,
            tied: i64,
            scaling: *const c_char,
            bottleneck: *const c_char,
            fields: *const *const c_char,
            field_count: usize,
            conditions: *const *const c_char,
            condition_count: usize,
            seed: *const u64,
            aliases: *const *const c_char,
            alias_count: usize,
        }
        aenc_progress {
            struct_size: usize,
            event: i64,
            epoch: i64,
            epochs: i64,
            step: i64,
            steps: i64,
            train_loss: f64,
            valid_loss: f64,
            learning_rate: f64,
            gradient_norm: f64,
            seconds: f64,
            best_valid_loss: f64,
            best_epoch: i64,
        }
        aenc_fit_options {
            struct_size: usize,
            optimizer: *const c_char,
            schedule: *const c_char,
            epochs: i64,
            batch: i64,
            target: *const aenc_matrix,
            valid: *const aenc_matrix,
            valid_target: *const aenc_matrix,
            validation_fraction: f64,
            patience: i64,
            min_improvement: f64,
            clip_norm: f64,
            clip_value: f64,
            progress: Option<progress_function>,
            progress_user: *mut c_void,
            steps_per_epoch: i64,
            checkpoint: *const c_char,
            checkpoint_steps: i64,
            checkpoint_seconds: f64,
            resume: i64,
            labels: *const i32,
            label_count: usize,
            valid_labels: *const i32,
            valid_label_count: usize,
            run_key: *const c_char,
            weight: *const f32,
            weight_count: usize,
            valid_weight: *const f32,
            valid_weight_count: usize,
            valid_source: *const aenc_source,
            fields: *const *const aenc_array,
            field_count: usize,
            reduce: Option<reduce_function>,
            reduce_user: *mut c_void,
        }
        aenc_sums {
            struct_size: usize,
            gradients: *mut f32,
            gradient_count: usize,
            terms: *mut f64,
            term_count: usize,
            weight: f64,
        }
        aenc_runner_options {
            struct_size: usize,
            task: i64,
            rows: i64,
            memory: *mut c_void,
            memory_size: usize,
            results: *const *const c_char,
            result_count: usize,
            fields: *const *const c_char,
            field_count: usize,
        }
        aenc_setting {
            name: *const c_char,
            fallback: f64,
            low: f64,
            high: f64,
            whole: i64,
        }
        aenc_plugin {
            struct_size: usize,
            kind: i64,
            name: *const c_char,
            user: *mut c_void,
            release: Option<unsafe extern "C" fn(*mut c_void)>,
            settings: *const aenc_setting,
            setting_count: usize,
            layer: Option<build_1>,
            mirror_role: i64,
            mirror: Option<mirror_function>,
            loss: Option<build_2>,
            loss_each: Option<build_2>,
            unit_target: i64,
            output_factor: i64,
            penalty: Option<build_3>,
            corruption: Option<build_2>,
            bottleneck: Option<build_1>,
            sample: *mut c_void,
        }
        aenc_operation {
            struct_size: usize,
            name: *const c_char,
            user: *mut c_void,
            forward: Option<operation_function>,
            backward: Option<operation_function>,
            release: Option<unsafe extern "C" fn(*mut c_void)>,
        }
        aenc_operation_call {
            struct_size: usize,
            rows: usize,
            first_row: u64,
            x: *const *const f32,
            x_size: *const usize,
            x_count: usize,
            y: *mut f32,
            y_size: usize,
            dy: *const f32,
            dx: *mut f32,
            operand: usize,
            training: i64,
        }
    }
    constants {
        AENC_OK: aenc_status = 0,
        AENC_ERR_ARGUMENT: aenc_status = -10,
        AENC_ERR_SHAPE: aenc_status = -20,
        AENC_ERR_NONFINITE: aenc_status = -30,
        AENC_ERR_IO: aenc_status = -50,
        AENC_ERR_DIVERGED: aenc_status = -70,
        AENC_ERR_BUSY: aenc_status = -110,
        AENC_ERR_CALLBACK: aenc_status = -120,
        AENC_ERR_CANCELLED: aenc_status = -130,
        AENC_EVENT_STEP: i64 = 10,
        AENC_EVENT_EPOCH: i64 = 20,
        AENC_STOPPED_END: i32 = 10,
        AENC_STOPPED_CALLBACK: i32 = 20,
        AENC_STOPPED_CANCEL: i32 = 30,
        AENC_TYPE_F32: i32 = 10,
        AENC_TYPE_I32: i32 = 20,
        AENC_TYPE_U8: i32 = 30,
        AENC_PORT_FIELD: i32 = 10,
        AENC_PORT_RESULT: i32 = 20,
        AENC_PORT_LAYER: i32 = 30,
        AENC_RULE_CLASSES: i32 = 40,
        AENC_RUN_ENCODE: i64 = 10,
        AENC_RUN_DECODE: i64 = 20,
        AENC_RUN_RECONSTRUCT: i64 = 30,
        AENC_RUN_SCORE: i64 = 40,
        AENC_PLUGIN_LOSS: i64 = 20,
    }
}

/// What aenc_encode, aenc_decode and aenc_reconstruct have in common.
pub type rows_to_floats = unsafe extern "C" fn(*mut aenc_model, *const aenc_matrix, *mut f32, usize) -> aenc_status;

extern "C" {
    pub fn aenc_status_name(status: aenc_status) -> *const c_char;
    pub fn aenc_context_create(options: *const aenc_context_options, out: *mut *mut aenc_context) -> aenc_status;
    pub fn aenc_context_free(ctx: *mut aenc_context);
    pub fn aenc_message(ctx: *const aenc_context) -> *const c_char;
    pub fn aenc_model_create(
        ctx: *mut aenc_context,
        options: *const aenc_model_options,
        out: *mut *mut aenc_model,
    ) -> aenc_status;
    pub fn aenc_model_free(model: *mut aenc_model);
    pub fn aenc_model_input_size(model: *const aenc_model) -> usize;
    pub fn aenc_model_code_size(model: *const aenc_model) -> usize;
    pub fn aenc_model_output_size(model: *const aenc_model) -> usize;
    pub fn aenc_fit(model: *mut aenc_model, x: *const aenc_matrix, options: *const aenc_fit_options) -> aenc_status;
    pub fn aenc_model_cancel(model: *mut aenc_model);
    pub fn aenc_model_stopped(model: *const aenc_model) -> i32;
    pub fn aenc_encode(model: *mut aenc_model, x: *const aenc_matrix, out: *mut f32, floats: usize) -> aenc_status;
    pub fn aenc_decode(model: *mut aenc_model, x: *const aenc_matrix, out: *mut f32, floats: usize) -> aenc_status;
    pub fn aenc_reconstruct(model: *mut aenc_model, x: *const aenc_matrix, out: *mut f32, floats: usize)
        -> aenc_status;
    pub fn aenc_score(
        model: *mut aenc_model,
        x: *const aenc_matrix,
        target: *const aenc_matrix,
        out: *mut f32,
        floats: usize,
    ) -> aenc_status;
    pub fn aenc_source_arrays(
        ctx: *mut aenc_context,
        arrays: *const *const aenc_array,
        count: usize,
        out: *mut *mut aenc_source,
    ) -> aenc_status;
    pub fn aenc_source_free(source: *mut aenc_source);
    pub fn aenc_fit_source(
        model: *mut aenc_model,
        source: *mut aenc_source,
        options: *const aenc_fit_options,
    ) -> aenc_status;
    pub fn aenc_run(
        model: *mut aenc_model,
        options: *const c_void,
        fields: *const *const aenc_array,
        field_count: usize,
        out: *const *const aenc_array,
        out_count: usize,
    ) -> aenc_status;
    pub fn aenc_model_port_count(model: *const aenc_model) -> usize;
    pub fn aenc_model_port(model: *mut aenc_model, index: usize, port: *mut aenc_port) -> aenc_status;
    pub fn aenc_runner_create(
        model: *mut aenc_model,
        options: *const aenc_runner_options,
        out: *mut *mut aenc_runner,
    ) -> aenc_status;
    pub fn aenc_runner_free(runner: *mut aenc_runner);
    pub fn aenc_runner_run(
        runner: *mut aenc_runner,
        x: *const aenc_matrix,
        target: *const aenc_matrix,
        out: *mut f32,
        floats: usize,
    ) -> aenc_status;
    pub fn aenc_runner_refresh(runner: *mut aenc_runner) -> aenc_status;
    pub fn aenc_runner_message(runner: *const aenc_runner) -> *const c_char;
    pub fn aenc_model_save(model: *mut aenc_model, path: *const c_char) -> aenc_status;
    pub fn aenc_model_load(ctx: *mut aenc_context, path: *const c_char, out: *mut *mut aenc_model) -> aenc_status;
    pub fn aenc_model_save_memory(
        model: *mut aenc_model,
        bytes: *mut c_void,
        capacity: usize,
        size: *mut usize,
    ) -> aenc_status;
    pub fn aenc_model_load_memory(
        ctx: *mut aenc_context,
        bytes: *const c_void,
        size: usize,
        out: *mut *mut aenc_model,
    ) -> aenc_status;
    pub fn aenc_register(ctx: *mut aenc_context, plugin: *const aenc_plugin) -> aenc_status;
    pub fn aenc_node_fail(recorder: *mut aenc_recorder, status: aenc_status, text: *const c_char) -> *mut aenc_node;
    pub fn aenc_node_rank(node: *const aenc_node) -> usize;
    pub fn aenc_node_dim(node: *const aenc_node, axis: usize) -> usize;
    pub fn aenc_node_subtract(r: *mut aenc_recorder, a: *mut aenc_node, b: *mut aenc_node) -> *mut aenc_node;
    pub fn aenc_node_function(r: *mut aenc_recorder, name: *const c_char, x: *mut aenc_node) -> *mut aenc_node;
    pub fn aenc_node_row_mean(r: *mut aenc_recorder, x: *mut aenc_node) -> *mut aenc_node;
    pub fn aenc_node_operation(
        r: *mut aenc_recorder,
        operation: *const aenc_operation,
        x: *const *mut aenc_node,
        count: usize,
        dims: *const usize,
        rank: usize,
    ) -> *mut aenc_node;
}
