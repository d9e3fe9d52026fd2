/* manual.c - the manual page autoenc(1), printed from the tables. */
#include <stdio.h>
#include <string.h>

#include <autoenc/autoenc.h>

#include "help.h"

/* Text in which troff sees no request, no escape and no hyphen where a minus sign is meant. */
static void print_escaped(const char *text, size_t length) {
    bool begins = true;
    for (size_t i = 0; i < length; i++) {
        if (begins && (text[i] == '.' || text[i] == '\'')) (void)printf("\\&");
        if (text[i] == '-')
            (void)printf("\\-");
        else if (text[i] == '\\')
            (void)printf("\\e");
        else if (text[i] == '\'')
            (void)printf("\\(aq");
        else
            (void)putchar(text[i]);
        begins = text[i] == '\n';
    }
}

static void print_text(const char *text) {
    for (const char *at = text;;) {
        const char *end = strstr(at, "\n\n");
        print_escaped(at, end != NULL ? (size_t)(end - at) : strlen(at));
        (void)printf("\n");
        if (end == NULL) return;
        (void)printf(".PP\n");
        at = end + 2;
    }
}

static void print_examples(const char *examples) {
    (void)printf(".nf\n.RS 2\n");
    print_escaped(examples, strlen(examples));
    (void)printf(".RE\n.fi\n");
}

static void print_commands_of(int mask) {
    size_t count = 0;
    const struct command_row *rows = tool_command_rows(&count);
    const char *before = "\nCommands: ";
    for (size_t i = 0; i < count; i++) {
        if ((mask & (int)rows[i].command) == 0) continue;
        (void)printf("%s%s", before, rows[i].name);
        before = ", ";
    }
    (void)printf(".\n");
}

static void print_option(const struct option_row *row) {
    char names[512];
    (void)printf(".TP\n");
    if (row->letter != 0) (void)printf("\\fB\\-%c\\fR, ", row->letter);
    (void)printf("\\fB\\-\\-");
    print_escaped(row->name, strlen(row->name));
    (void)printf("\\fR");
    if (row->value != NULL) {
        (void)printf(" \\fI");
        print_escaped(row->value, strlen(row->value));
        (void)printf("\\fR");
    }
    (void)printf("\n");
    print_escaped(row->help, strlen(row->help));
    (void)printf(".");
    if (row->names != NULL) {
        tool_words_join(row->names, ", ", names, sizeof names);
        (void)printf("\n%s: ", row->value);
        print_escaped(names, strlen(names));
        (void)printf(".");
    }
    print_commands_of(row->commands);
}

static void print_commands(void) {
    size_t count = 0;
    const struct command_row *rows = tool_command_rows(&count);
    char usage[128];
    for (size_t i = 0; i < count; i++) {
        tool_help_usage(&rows[i], usage, sizeof usage);
        (void)printf(".TP\n\\fBautoenc ");
        print_escaped(usage, strlen(usage));
        (void)printf("\\fR\n");
        print_escaped(rows[i].summary, strlen(rows[i].summary));
        (void)printf(".\n");
        if (rows[i].more[0] == '\0') continue;
        for (const char *at = rows[i].more; *at != '\0';) {
            size_t length = strcspn(at, "\n");
            print_escaped(at, length);
            (void)printf("\n");
            at += length;
            at += strspn(at, "\n");
        }
    }
}

static void print_options(void) {
    size_t count = 0;
    const struct option_row *rows = tool_option_rows(&count);
    for (int group = 0; group < GROUP_COUNT; group++) {
        (void)printf(".SS %s options\n", tool_option_group((enum option_group)group));
        for (size_t i = 0; i < count; i++) {
            if (rows[i].group == (enum option_group)group) print_option(&rows[i]);
        }
    }
}

void tool_manual(void) {
    size_t count = 0;
    const struct command_row *rows = tool_command_rows(&count);
    (void)printf(".\\\" Printed by: autoenc help --man\n"
                 ".TH AUTOENC 1 \"\" \"libautoenc %s\" \"User Commands\"\n"
                 ".SH NAME\nautoenc \\- train and run autoencoders\n"
                 ".SH SYNOPSIS\n.B autoenc\n.I COMMAND\n.RI [ ARGUMENT ]...\n"
                 ".br\n.B autoenc help\n.RI [ COMMAND ]\n.SH DESCRIPTION\n",
                 aenc_version_string());
    print_text(
        "autoenc trains autoencoders, principal components and anomaly detectors on tables of numbers and images, and "
        "applies them. Models are safetensors files.");
    (void)printf(".PP\n");
    print_text(tool_help_data);
    (void)printf(".PP\n");
    print_text(tool_help_names);
    (void)printf(".SH COMMANDS\n");
    print_commands();
    (void)printf(".SH OPTIONS\n");
    print_options();
    (void)printf(".SH EXIT STATUS\n");
    print_text(tool_help_status);
    (void)printf(".SH EXAMPLES\n");
    for (size_t i = 0; i < count; i++) {
        if (i > 0) (void)printf(".PP\n");
        print_examples(rows[i].examples);
    }
}
