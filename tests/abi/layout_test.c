/* layout_test.c - the layouts and numbers that compiled programs rely on, as they were released.
 *
 * A number here never changes. A struct only grows at its end: its size changes then, and the new members get lines. A new
 * enum constant gets a line. tests/symbols.py fails while something in the headers has none.
 */
#include <autoenc/autoenc.h>
#include <stddef.h>

#include "check.h"

struct frozen {
    const char *what;
    size_t now, then; /* bytes */
};

/* Where pointers and size_t have 64 bits. */
static const struct frozen layouts[] = {
    {"aenc_context_options", sizeof(aenc_context_options), 56},
    {"aenc_context_options.struct_size", offsetof(aenc_context_options, struct_size), 0},
    {"aenc_context_options.seed", offsetof(aenc_context_options, seed), 8},
    {"aenc_context_options.threads", offsetof(aenc_context_options, threads), 16},
    {"aenc_context_options.allocate", offsetof(aenc_context_options, allocate), 24},
    {"aenc_context_options.release", offsetof(aenc_context_options, release), 32},
    {"aenc_context_options.allocator_user", offsetof(aenc_context_options, allocator_user), 40},
    {"aenc_context_options.blas_threads", offsetof(aenc_context_options, blas_threads), 48},
    {"aenc_matrix", sizeof(aenc_matrix), 32},
    {"aenc_matrix.data", offsetof(aenc_matrix, data), 0},
    {"aenc_matrix.rows", offsetof(aenc_matrix, rows), 8},
    {"aenc_matrix.cols", offsetof(aenc_matrix, cols), 16},
    {"aenc_matrix.stride", offsetof(aenc_matrix, stride), 24},
    {"aenc_model_options", sizeof(aenc_model_options), 152},
    {"aenc_model_options.struct_size", offsetof(aenc_model_options, struct_size), 0},
    {"aenc_model_options.input", offsetof(aenc_model_options, input), 8},
    {"aenc_model_options.input_rank", offsetof(aenc_model_options, input_rank), 16},
    {"aenc_model_options.encoder_widths", offsetof(aenc_model_options, encoder_widths), 24},
    {"aenc_model_options.encoder_count", offsetof(aenc_model_options, encoder_count), 32},
    {"aenc_model_options.decoder_widths", offsetof(aenc_model_options, decoder_widths), 40},
    {"aenc_model_options.decoder_count", offsetof(aenc_model_options, decoder_count), 48},
    {"aenc_model_options.activation", offsetof(aenc_model_options, activation), 56},
    {"aenc_model_options.code_activation", offsetof(aenc_model_options, code_activation), 64},
    {"aenc_model_options.output", offsetof(aenc_model_options, output), 72},
    {"aenc_model_options.loss", offsetof(aenc_model_options, loss), 80},
    {"aenc_model_options.init", offsetof(aenc_model_options, init), 88},
    {"aenc_model_options.encoder_layers", offsetof(aenc_model_options, encoder_layers), 96},
    {"aenc_model_options.decoder_layers", offsetof(aenc_model_options, decoder_layers), 104},
    {"aenc_model_options.penalties", offsetof(aenc_model_options, penalties), 112},
    {"aenc_model_options.penalty_count", offsetof(aenc_model_options, penalty_count), 120},
    {"aenc_model_options.corruptions", offsetof(aenc_model_options, corruptions), 128},
    {"aenc_model_options.corruption_count", offsetof(aenc_model_options, corruption_count), 136},
    {"aenc_model_options.tied", offsetof(aenc_model_options, tied), 144},
    {"aenc_progress", sizeof(aenc_progress), 104},
    {"aenc_progress.struct_size", offsetof(aenc_progress, struct_size), 0},
    {"aenc_progress.event", offsetof(aenc_progress, event), 8},
    {"aenc_progress.epoch", offsetof(aenc_progress, epoch), 16},
    {"aenc_progress.epochs", offsetof(aenc_progress, epochs), 24},
    {"aenc_progress.step", offsetof(aenc_progress, step), 32},
    {"aenc_progress.steps", offsetof(aenc_progress, steps), 40},
    {"aenc_progress.train_loss", offsetof(aenc_progress, train_loss), 48},
    {"aenc_progress.valid_loss", offsetof(aenc_progress, valid_loss), 56},
    {"aenc_progress.learning_rate", offsetof(aenc_progress, learning_rate), 64},
    {"aenc_progress.gradient_norm", offsetof(aenc_progress, gradient_norm), 72},
    {"aenc_progress.seconds", offsetof(aenc_progress, seconds), 80},
    {"aenc_progress.best_valid_loss", offsetof(aenc_progress, best_valid_loss), 88},
    {"aenc_progress.best_epoch", offsetof(aenc_progress, best_epoch), 96},
    {"aenc_fit_options", sizeof(aenc_fit_options), 176},
    {"aenc_fit_options.struct_size", offsetof(aenc_fit_options, struct_size), 0},
    {"aenc_fit_options.optimizer", offsetof(aenc_fit_options, optimizer), 8},
    {"aenc_fit_options.schedule", offsetof(aenc_fit_options, schedule), 16},
    {"aenc_fit_options.epochs", offsetof(aenc_fit_options, epochs), 24},
    {"aenc_fit_options.batch", offsetof(aenc_fit_options, batch), 32},
    {"aenc_fit_options.target", offsetof(aenc_fit_options, target), 40},
    {"aenc_fit_options.valid", offsetof(aenc_fit_options, valid), 48},
    {"aenc_fit_options.valid_target", offsetof(aenc_fit_options, valid_target), 56},
    {"aenc_fit_options.valid_share", offsetof(aenc_fit_options, valid_share), 64},
    {"aenc_fit_options.patience", offsetof(aenc_fit_options, patience), 72},
    {"aenc_fit_options.min_improvement", offsetof(aenc_fit_options, min_improvement), 80},
    {"aenc_fit_options.clip_norm", offsetof(aenc_fit_options, clip_norm), 88},
    {"aenc_fit_options.clip_value", offsetof(aenc_fit_options, clip_value), 96},
    {"aenc_fit_options.progress", offsetof(aenc_fit_options, progress), 104},
    {"aenc_fit_options.progress_user", offsetof(aenc_fit_options, progress_user), 112},
    {"aenc_runner_options", sizeof(aenc_runner_options), 40},
    {"aenc_runner_options.struct_size", offsetof(aenc_runner_options, struct_size), 0},
    {"aenc_runner_options.journey", offsetof(aenc_runner_options, journey), 8},
    {"aenc_runner_options.rows", offsetof(aenc_runner_options, rows), 16},
    {"aenc_runner_options.memory", offsetof(aenc_runner_options, memory), 24},
    {"aenc_runner_options.memory_size", offsetof(aenc_runner_options, memory_size), 32},
    {"aenc_fit_options.steps_per_epoch", offsetof(aenc_fit_options, steps_per_epoch), 120},
    {"aenc_fit_options.checkpoint", offsetof(aenc_fit_options, checkpoint), 128},
    {"aenc_fit_options.checkpoint_steps", offsetof(aenc_fit_options, checkpoint_steps), 136},
    {"aenc_fit_options.checkpoint_seconds", offsetof(aenc_fit_options, checkpoint_seconds), 144},
    {"aenc_fit_options.resume", offsetof(aenc_fit_options, resume), 152},
    {"aenc_fit_options.labels", offsetof(aenc_fit_options, labels), 160},
    {"aenc_fit_options.valid_labels", offsetof(aenc_fit_options, valid_labels), 168},
    {"aenc_pretrain_options", sizeof(aenc_pretrain_options), 120},
    {"aenc_pretrain_options.struct_size", offsetof(aenc_pretrain_options, struct_size), 0},
    {"aenc_pretrain_options.fit", offsetof(aenc_pretrain_options, fit), 8},
    {"aenc_pretrain_options.loss", offsetof(aenc_pretrain_options, loss), 16},
    {"aenc_pretrain_options.output", offsetof(aenc_pretrain_options, output), 24},
    {"aenc_pretrain_options.penalties", offsetof(aenc_pretrain_options, penalties), 32},
    {"aenc_pretrain_options.penalty_count", offsetof(aenc_pretrain_options, penalty_count), 40},
    {"aenc_pretrain_options.corruptions", offsetof(aenc_pretrain_options, corruptions), 48},
    {"aenc_pretrain_options.corruption_count", offsetof(aenc_pretrain_options, corruption_count), 56},
    {"aenc_pretrain_options.tied", offsetof(aenc_pretrain_options, tied), 64},
    {"aenc_pretrain_options.first", offsetof(aenc_pretrain_options, first), 72},
    {"aenc_pretrain_options.count", offsetof(aenc_pretrain_options, count), 80},
    {"aenc_pretrain_options.progress", offsetof(aenc_pretrain_options, progress), 88},
    {"aenc_pretrain_options.progress_user", offsetof(aenc_pretrain_options, progress_user), 96},
    {"aenc_pretrain_options.losses", offsetof(aenc_pretrain_options, losses), 104},
    {"aenc_pretrain_options.loss_count", offsetof(aenc_pretrain_options, loss_count), 112},
    {"aenc_distill_options", sizeof(aenc_distill_options), 48},
    {"aenc_distill_options.struct_size", offsetof(aenc_distill_options, struct_size), 0},
    {"aenc_distill_options.fit", offsetof(aenc_distill_options, fit), 8},
    {"aenc_distill_options.output_weight", offsetof(aenc_distill_options, output_weight), 16},
    {"aenc_distill_options.code_weight", offsetof(aenc_distill_options, code_weight), 24},
    {"aenc_distill_options.output_loss", offsetof(aenc_distill_options, output_loss), 32},
    {"aenc_distill_options.code_loss", offsetof(aenc_distill_options, code_loss), 40},
    {"aenc_source_callbacks", sizeof(aenc_source_callbacks), 72},
    {"aenc_source_callbacks.struct_size", offsetof(aenc_source_callbacks, struct_size), 0},
    {"aenc_source_callbacks.cols", offsetof(aenc_source_callbacks, cols), 8},
    {"aenc_source_callbacks.target_cols", offsetof(aenc_source_callbacks, target_cols), 16},
    {"aenc_source_callbacks.rows", offsetof(aenc_source_callbacks, rows), 24},
    {"aenc_source_callbacks.read", offsetof(aenc_source_callbacks, read), 32},
    {"aenc_source_callbacks.seek", offsetof(aenc_source_callbacks, seek), 40},
    {"aenc_source_callbacks.release", offsetof(aenc_source_callbacks, release), 48},
    {"aenc_source_callbacks.user", offsetof(aenc_source_callbacks, user), 56},
    {"aenc_source_callbacks.read_ahead", offsetof(aenc_source_callbacks, read_ahead), 64},
    {"aenc_batch", sizeof(aenc_batch), 80},
    {"aenc_batch.struct_size", offsetof(aenc_batch, struct_size), 0},
    {"aenc_batch.input", offsetof(aenc_batch, input), 8},
    {"aenc_batch.target", offsetof(aenc_batch, target), 40},
    {"aenc_batch.weight", offsetof(aenc_batch, weight), 72},
};

struct number {
    const char *what;
    int now, then;
};

static const struct number numbers[] = {
    {"AENC_OK", AENC_OK, 0},
    {"AENC_ERR_ARGUMENT", AENC_ERR_ARGUMENT, -10},
    {"AENC_ERR_SHAPE", AENC_ERR_SHAPE, -20},
    {"AENC_ERR_NONFINITE", AENC_ERR_NONFINITE, -30},
    {"AENC_ERR_NO_MEMORY", AENC_ERR_NO_MEMORY, -40},
    {"AENC_ERR_IO", AENC_ERR_IO, -50},
    {"AENC_ERR_FORMAT", AENC_ERR_FORMAT, -60},
    {"AENC_ERR_DIVERGED", AENC_ERR_DIVERGED, -70},
    {"AENC_ERR_UNSUPPORTED", AENC_ERR_UNSUPPORTED, -80},
    {"AENC_ERR_NO_GRADIENT", AENC_ERR_NO_GRADIENT, -90},
    {"AENC_ERR_VERSION", AENC_ERR_VERSION, -100},
    {"AENC_ERR_INTERNAL", AENC_ERR_INTERNAL, -200},
    {"AENC_EVENT_STEP", AENC_EVENT_STEP, 10},
    {"AENC_EVENT_EPOCH", AENC_EVENT_EPOCH, 20},
    {"AENC_RUN_ENCODE", AENC_RUN_ENCODE, 10},
    {"AENC_RUN_DECODE", AENC_RUN_DECODE, 20},
    {"AENC_RUN_RECONSTRUCT", AENC_RUN_RECONSTRUCT, 30},
    {"AENC_RUN_SCORE", AENC_RUN_SCORE, 40},
    {"AENC_RUN_FEATURES", AENC_RUN_FEATURES, 50},
    {"AENC_RESUME_NEVER", AENC_RESUME_NEVER, 0},
    {"AENC_RESUME", AENC_RESUME, 10},
    {"AENC_RESUME_IF_THERE", AENC_RESUME_IF_THERE, 20},
    {"AENC_F32", AENC_F32, 10},
    {"AENC_I32", AENC_I32, 20},
    {"AENC_U8", AENC_U8, 30},
    {"AENC_RANK_MAX", AENC_RANK_MAX, 6},
};

int main(void) {
    if (sizeof(void *) != 8 || sizeof(size_t) != 8) return 77;
    for (size_t i = 0; i < sizeof layouts / sizeof *layouts; i++)
        if (!CHECK(layouts[i].now == layouts[i].then))
            fprintf(stderr, "  %s is %zu, was %zu\n", layouts[i].what, layouts[i].now, layouts[i].then);
    for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++)
        if (!CHECK(numbers[i].now == numbers[i].then))
            fprintf(stderr, "  %s is %d, was %d\n", numbers[i].what, numbers[i].now, numbers[i].then);
    return check_finish();
}
