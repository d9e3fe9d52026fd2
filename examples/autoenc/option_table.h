/* option_table.h - every command and every option as one row.
 *
 * The tables are the one source of the parser (options.c), the help (help.c), the manual page (manual.c) and the
 * completions (completion.c). A new option is one row in option_table.c and one member of struct options.
 *
 * Texts are imperative sentences without a full stop at the end, in plain ASCII, and hold defaults as "[default: X]".
 */
#ifndef TOOL_OPTION_TABLE_H
#define TOOL_OPTION_TABLE_H

#include "options.h"

enum option_kind {
    KIND_FLAG,   /* bool */
    KIND_TEXT,   /* const char *: a path, or one of `names` where there are any */
    KIND_SPEC,   /* const char *: a name of the library's with settings; `names` lists them */
    KIND_SPECS,  /* struct specs: the same, as often as the option is given */
    KIND_TEXTS,  /* struct specs: names of fields, with "=DATA" behind them where the value's name has it */
    KIND_WHOLE,  /* int64_t in [low, high] */
    KIND_SEED,   /* uint64_t */
    KIND_NUMBER, /* double in [low, high] */
    KIND_WIDTHS, /* struct widths */
    KIND_LAYERS, /* struct layers: widths and layers of the library's; `names` lists these */
    KIND_IMAGE,  /* struct image_shape */
    KIND_CHOICE, /* int: the place of the word in `names` */
    KIND_BYTE    /* char: a mark such as ';', by itself or by its word in `names` */
};

/* In the order of the help. */
enum option_group {
    GROUP_DATA,
    GROUP_NETWORK,
    GROUP_METHOD,
    GROUP_TRAINING,
    GROUP_PRETRAINING,
    GROUP_CHECKPOINTS,
    GROUP_OUTPUT,
    GROUP_GENERAL,
    GROUP_COUNT
};

struct option_row {
    enum option_group group;
    const char *name;
    char letter; /* 0: none */
    enum option_kind kind;
    size_t offset; /* in struct options */
    int commands;  /* which take it */
    double low, high;
    const char *value; /* what stands for the value in the help: DATA, MODEL, FILE and DIR are completed as paths */
    const char *names; /* the values there are, "a|b|c"; NULL: not a closed list */
    const char *help;
};

struct command_row {
    enum command command;
    const char *name;
    const char *operands; /* one word each; "[WORD]" may be left out */
    const char *required; /* options that cannot be left out, for the usage line; "" */
    int (*run)(const struct options *options);
    const char *summary;  /* one line */
    const char *more;     /* paragraphs that an empty line separates; "" */
    const char *examples; /* lines of a shell */
};

/* The tables; their lengths are *count. */
const struct option_row *tool_option_rows(size_t *count);
const struct command_row *tool_command_rows(size_t *count);
/* The row of an option of this command. NULL: there is none of this name. */
const struct option_row *tool_option_row(enum command command, const char *name);
/* The activations, "a|b|c". */
extern const char tool_activations[];
/* NULL: there is none of this name. */
const struct command_row *tool_command_find(const char *name);
/* The heading of a group: "Data". */
const char *tool_option_group(enum option_group group);
/* Whether `row` is an option of `command` and stands under `group` there. */
bool tool_option_stands(const struct option_row *row, enum option_group group, enum command command);

/* Operands of a command: at least *least, at most the number returned. */
size_t tool_command_operands(const struct command_row *row, size_t *least);

/* The place of the `length` bytes at `word` among the words that '|' separates; -1: it is none of them. */
int tool_word_find(const char *words, const char *word, size_t length);
/* Copies the words into out with `separator` between them; what does not fit is left out at a word's end. */
void tool_words_join(const char *words, const char *separator, char *out, size_t size);

#endif
