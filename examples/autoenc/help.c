/* help.c - the help of the tool and of its commands, printed from the tables. */
#include "help.h"

#include <stdio.h>
#include <string.h>

#include "commands.h"

enum { WIDTH = 80, COLUMN = 30 }; /* of a line; where the texts of options begin */

const char tool_help_data[] = "DATA is .npy, .npz, CSV or IDX, also compressed with gzip; '-' is standard input. "
                              "Unsigned bytes of .npy and IDX files are "
                              "divided by 255 (see --u8), those of labels are not. Separator, decimal mark and header "
                              "of a CSV file are found out from "
                              "its first lines; --verbose reports them.";
const char tool_help_names[] =
    "A NAME may carry settings, as in adam:lr=1e-3,beta1=0.9. The documentation lists them: training.md those of "
    "losses, optimizers and schedules, layers.md those of layers, activations and initial weights, penalties.md those "
    "of penalties and corruptions, anomaly.md those of thresholds.";
const char tool_help_status[] = "The exit status is 0 on success, 1 on failure, 2 when the command line was wrong and "
                                "3 when a signal (Ctrl-C, SIGTERM, "
                                "SIGHUP) stopped the training and the model was saved as it was then.";

/* Words in lines of WIDTH from column `at` on, the first line going on where the cursor stands; an empty line of the
 * text stays one. */
static void print_wrapped(const char *text, int at) {
    int column = at;
    for (const char *word = text; *word != '\0';) {
        if (word[0] == '\n') {
            (void)printf(word[1] == '\n' ? "\n\n%*s" : "\n%*s", at, "");
            column = at;
            word += strspn(word, "\n");
            continue;
        }
        int length = (int)strcspn(word, " \n");
        if (column > at && column + 1 + length > WIDTH) {
            (void)printf("\n%*s", at, "");
            column = at;
        }
        (void)printf("%s%.*s", column > at ? " " : "", length, word);
        column += length + (column > at);
        word += length;
        word += strspn(word, " ");
    }
    (void)printf("\n");
}

static void print_option(const struct option_row *row, bool with_names) {
    char left[64], names[512];
    const char *value = row->value != NULL ? row->value : "";
    int length = snprintf(left, sizeof left, "  %c%c%c --%s%s%s", row->letter != 0 ? '-' : ' ',
                          row->letter != 0 ? row->letter : ' ', row->letter != 0 ? ',' : ' ', row->name,
                          value[0] != '\0' ? " " : "", value);
    (void)printf("%s", left);
    if (length > COLUMN - 2)
        (void)printf("\n%*s", COLUMN, "");
    else
        (void)printf("%*s", COLUMN - length, "");
    print_wrapped(row->help, COLUMN);
    if (row->names == NULL || !with_names) return;
    tool_words_join(row->names, ", ", names, sizeof names);
    (void)printf("%*s", COLUMN, "");
    char line[600];
    (void)snprintf(line, sizeof line, "%s: %s", row->value, names);
    print_wrapped(line, COLUMN);
}

/* The first option of the command whose values are those of `row`. */
static const struct option_row *first_of_names(const struct option_row *row, enum command command) {
    size_t count = 0;
    const struct option_row *rows = tool_option_rows(&count);
    for (int group = 0; group < GROUP_COUNT; group++) {
        for (size_t i = 0; i < count; i++) {
            bool stands = tool_option_stands(&rows[i], (enum option_group)group, command);
            if (stands && rows[i].names == row->names) return &rows[i];
        }
    }
    return row;
}

/* The options of one group; a list of values that several options share stands at the first. */
static void print_group(enum option_group group, enum command command) {
    size_t count = 0;
    const struct option_row *rows = tool_option_rows(&count);
    bool any = false;
    for (size_t i = 0; i < count; i++) {
        if (!tool_option_stands(&rows[i], group, command)) continue;
        if (!any) (void)printf("\n%s options:\n", tool_option_group(group));
        any = true;
        print_option(&rows[i], rows[i].names != NULL && first_of_names(&rows[i], command) == &rows[i]);
    }
}

/* Whether an option of the command takes a NAME with settings. */
static bool takes_names(enum command command) {
    size_t count = 0;
    const struct option_row *rows = tool_option_rows(&count);
    for (size_t i = 0; i < count; i++) {
        bool spec = rows[i].kind == KIND_SPEC || rows[i].kind == KIND_SPECS;
        if (spec && (rows[i].commands & (int)command) != 0) return true;
    }
    return false;
}

static void print_tool(void) {
    size_t count = 0;
    const struct command_row *rows = tool_command_rows(&count);
    (void)printf("Usage: autoenc COMMAND [ARGUMENT]...\n\nTrain and run autoencoders.\n\nCommands:\n");
    for (size_t i = 0; i < count; i++) {
        (void)printf("  %-12s %-11s ", rows[i].name, rows[i].operands);
        print_wrapped(rows[i].summary, 27);
    }
    (void)printf("\nOptions:\n"
                 "  -h, --help     Print this help and exit\n"
                 "  -V, --version  Print versions and exit\n\n");
    print_wrapped(tool_help_data, 0);
    (void)printf("\n");
    print_wrapped(tool_help_status, 0);
    (void)printf("\nSee 'autoenc help COMMAND' for the options of a command and for examples.\n");
}

void tool_help_usage(const struct command_row *command, char *out, size_t size) {
    (void)snprintf(out, size, "%s%s%s [OPTION]...%s%s", command->name, command->operands[0] != '\0' ? " " : "",
                   command->operands, command->required[0] != '\0' ? " " : "", command->required);
}

void tool_help(const struct command_row *command) {
    char usage[128];
    if (command == NULL) {
        print_tool();
        return;
    }
    tool_help_usage(command, usage, sizeof usage);
    (void)printf("Usage: autoenc %s\n\n%s.\n", usage, command->summary);
    for (int group = 0; group < GROUP_COUNT; group++) print_group((enum option_group)group, command->command);
    (void)printf("\n");
    if (command->more[0] != '\0') {
        print_wrapped(command->more, 0);
        (void)printf("\n");
    }
    if (takes_names(command->command)) {
        print_wrapped(tool_help_names, 0);
        (void)printf("\n");
    }
    if (strstr(command->operands, "DATA") != NULL || strstr(command->operands, "TRAIN") != NULL) {
        print_wrapped(tool_help_data, 0);
        (void)printf("\n");
    }
    (void)printf("Examples:\n");
    for (const char *line = command->examples; *line != '\0';) {
        size_t length = strcspn(line, "\n");
        (void)printf("  %.*s\n", (int)length, line);
        line += length + 1;
    }
}

int tool_help_command(const struct options *options) {
    const char *name = options->operand[0];
    if (options->man + (options->completion != NULL) + (name != NULL) > 1) {
        return tool_usage("help: only one of COMMAND, --man and --completion can be given");
    }
    if (options->man)
        tool_manual();
    else if (options->completion != NULL)
        tool_completion(options->completion);
    else if (name == NULL)
        tool_help(NULL);
    else {
        const struct command_row *command = tool_command_find(name);
        if (command == NULL) return tool_usage("help: unknown command '%s'; see: autoenc help", name);
        tool_help(command);
    }
    return TOOL_OK;
}
