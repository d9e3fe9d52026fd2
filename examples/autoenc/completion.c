/* completion.c - completions for bash, zsh and fish, printed from the tables.
 *
 * A script offers commands, the options of the command that was chosen, the values of options with a closed list,
 * and paths for everything else that is one. Operands are paths, but for help, which takes a command.
 */
#include <stdio.h>
#include <string.h>

#include "help.h"

enum what { WHAT_NOTHING, WHAT_WORDS, WHAT_FILES, WHAT_FOLDERS };

/* What an option's value is completed with. */
static enum what what_value(const struct option_row *row) {
    static const char *const paths[] = {"DATA", "DATA|SHARE", "FILE", "MODEL"};
    if (row->names != NULL) return WHAT_WORDS;
    for (size_t i = 0; row->value != NULL && i < sizeof paths / sizeof *paths; i++) {
        if (strcmp(row->value, paths[i]) == 0) return WHAT_FILES;
    }
    return row->value != NULL && strcmp(row->value, "DIR") == 0 ? WHAT_FOLDERS : WHAT_NOTHING;
}

static void print_command_names(void) {
    size_t count = 0;
    const struct command_row *rows = tool_command_rows(&count);
    for (size_t i = 0; i < count; i++) (void)printf("%s%s", i > 0 ? " " : "", rows[i].name);
}

/* Text between single quotes of a shell: a quote ends them, stands escaped, and begins them again. */
static void print_quoted(const char *text) {
    (void)putchar('\'');
    for (const char *at = text; *at != '\0'; at++) {
        if (*at == '\'')
            (void)printf("'\\''");
        else
            (void)putchar(*at);
    }
    (void)putchar('\'');
}

/* ---- bash ---- */

static void bash_values(const struct command_row *command) {
    size_t count = 0;
    const struct option_row *rows = tool_option_rows(&count);
    char words[512];
    for (size_t i = 0; i < count; i++) {
        if ((rows[i].commands & (int)command->command) == 0 || rows[i].kind == KIND_FLAG) continue;
        (void)printf("        %s:--%s", command->name, rows[i].name);
        if (rows[i].letter != 0) (void)printf("|%s:-%c", command->name, rows[i].letter);
        switch (what_value(&rows[i])) {
        case WHAT_WORDS:
            tool_words_join(rows[i].names, " ", words, sizeof words);
            (void)printf(") words='%s' ;;\n", words);
            break;
        case WHAT_FILES: (void)printf(") kind='file' ;;\n"); break;
        case WHAT_FOLDERS: (void)printf(") kind='directory' ;;\n"); break;
        case WHAT_NOTHING: (void)printf(") kind='none' ;;\n"); break;
        }
    }
}

static void bash_options(const struct command_row *command) {
    size_t count = 0;
    const struct option_row *rows = tool_option_rows(&count);
    (void)printf("            %s) words='", command->name);
    const char *before = "";
    for (size_t i = 0; i < count; i++) {
        if ((rows[i].commands & (int)command->command) == 0) continue;
        (void)printf("%s--%s", before, rows[i].name);
        before = " ";
    }
    (void)printf("' ;;\n");
}

static void print_bash(void) {
    size_t count = 0;
    const struct command_row *rows = tool_command_rows(&count);
    (void)printf(
        "# Completion of autoenc for bash, printed by: autoenc help --completion bash\n"
        "_autoenc() {\n"
        "    local current=${COMP_WORDS[COMP_CWORD]} before=${COMP_WORDS[COMP_CWORD-1]} command=${COMP_WORDS[1]}\n"
        "    local words='' kind=''\n"
        "    COMPREPLY=()\n"
        "    if [ \"$before\" = = ]; then before=${COMP_WORDS[COMP_CWORD-2]}; fi\n"
        "    if [ \"$current\" = = ]; then before=${COMP_WORDS[COMP_CWORD-1]} current=''; fi\n"
        "    if [ \"$COMP_CWORD\" -eq 1 ]; then\n"
        "        COMPREPLY=($(compgen -W '");
    print_command_names();
    (void)printf(" --help --version' -- \"$current\"))\n"
                 "        return\n"
                 "    fi\n"
                 "    case $command:$before in\n");
    for (size_t i = 0; i < count; i++) bash_values(&rows[i]);
    (void)printf("    esac\n"
                 "    if [ -z \"$words$kind\" ] && [ \"${current:0:1}\" = - ]; then\n"
                 "        case $command in\n");
    for (size_t i = 0; i < count; i++) bash_options(&rows[i]);
    (void)printf("        esac\n"
                 "    elif [ -z \"$words$kind\" ] && [ \"$command\" = help ]; then\n"
                 "        words='");
    print_command_names();
    (void)printf(
        "'\n"
        "    fi\n"
        "    if [ -n \"$words\" ]; then COMPREPLY=($(compgen -W \"$words\" -- \"$current\"))\n"
        "    elif [ \"$kind\" = directory ]; then compopt -o filenames; COMPREPLY=($(compgen -d -- \"$current\"))\n"
        "    elif [ \"$kind\" != none ]; then compopt -o filenames; COMPREPLY=($(compgen -f -- \"$current\"))\n"
        "    fi\n"
        "}\n"
        "complete -F _autoenc autoenc\n");
}

/* ---- zsh ---- */

/* A help text within the brackets of _arguments. */
static void zsh_help(const char *text) {
    for (const char *at = text; *at != '\0'; at++) {
        if (*at == '\'')
            (void)printf("'\\''");
        else if (strchr("[]:\\", *at) != NULL)
            (void)printf("\\%c", *at);
        else
            (void)putchar(*at);
    }
}

static void zsh_option(const struct option_row *row, const char *dashes, const char *name) {
    char words[512];
    (void)printf(" \\\n                '%s%s%s%s[", row->kind == KIND_SPECS || row->kind == KIND_TEXTS ? "*" : "",
                 dashes, name,
                 row->kind == KIND_FLAG ? ""
                 : dashes[1] == '-'     ? "="
                                        : "+");
    zsh_help(row->help);
    (void)printf("]");
    if (row->kind != KIND_FLAG) {
        (void)printf(":");
        zsh_help(row->value);
        (void)printf(":");
    }
    switch (what_value(row)) {
    case WHAT_WORDS:
        tool_words_join(row->names, " ", words, sizeof words);
        (void)printf("(%s)'", words);
        break;
    case WHAT_FILES: (void)printf("_files'"); break;
    case WHAT_FOLDERS: (void)printf("_files -/'"); break;
    case WHAT_NOTHING: (void)printf("%s'", row->kind == KIND_FLAG ? "" : " "); break;
    }
}

static void print_zsh(void) {
    size_t count = 0, option_count = 0;
    const struct command_row *commands = tool_command_rows(&count);
    const struct option_row *rows = tool_option_rows(&option_count);
    (void)printf("#compdef autoenc\n# Printed by: autoenc help --completion zsh\n"
                 "_autoenc() {\n"
                 "    local state line\n"
                 "    _arguments -C '1:command:(");
    print_command_names();
    (void)printf(")' '*::argument:->arguments'\n"
                 "    [[ $state == arguments ]] || return\n"
                 "    case $line[1] in\n");
    for (size_t i = 0; i < count; i++) {
        (void)printf("        %s)\n            _arguments", commands[i].name);
        for (size_t k = 0; k < option_count; k++) {
            char letter[2] = {rows[k].letter, '\0'};
            if ((rows[k].commands & (int)commands[i].command) == 0) continue;
            zsh_option(&rows[k], "--", rows[k].name);
            if (rows[k].letter != 0) zsh_option(&rows[k], "-", letter);
        }
        if (commands[i].command == COMMAND_HELP) {
            (void)printf(" \\\n                '1:command:(");
            print_command_names();
            (void)printf(")'");
        } else if (commands[i].operands[0] != '\0')
            (void)printf(" \\\n                '*:file:_files'");
        (void)printf(" ;;\n");
    }
    (void)printf(
        "    esac\n}\nif [ \"$funcstack[1]\" = _autoenc ]; then _autoenc \"$@\"; else compdef _autoenc autoenc; fi\n");
}

/* ---- fish ---- */

static void fish_option(const struct command_row *command, const struct option_row *row) {
    char words[512];
    (void)printf("complete -c autoenc -n '__fish_seen_subcommand_from %s' -l %s", command->name, row->name);
    if (row->letter != 0) (void)printf(" -s %c", row->letter);
    switch (what_value(row)) {
    case WHAT_WORDS:
        tool_words_join(row->names, " ", words, sizeof words);
        (void)printf(" -x -a '%s'", words);
        break;
    case WHAT_FILES: (void)printf(" -r -F"); break;
    case WHAT_FOLDERS: (void)printf(" -x -a '(__fish_complete_directories)'"); break;
    case WHAT_NOTHING:
        if (row->kind != KIND_FLAG) (void)printf(" -x");
        break;
    }
    (void)printf(" -d ");
    print_quoted(row->help);
    (void)printf("\n");
}

static void print_fish(void) {
    size_t count = 0, option_count = 0;
    const struct command_row *commands = tool_command_rows(&count);
    const struct option_row *rows = tool_option_rows(&option_count);
    (void)printf("# Completion of autoenc for fish, printed by: autoenc help --completion fish\n"
                 "complete -c autoenc -n __fish_use_subcommand -f\n");
    for (size_t i = 0; i < count; i++) {
        (void)printf("complete -c autoenc -n __fish_use_subcommand -a %s -d ", commands[i].name);
        print_quoted(commands[i].summary);
        (void)printf("\n");
        for (size_t k = 0; k < option_count; k++) {
            if ((rows[k].commands & (int)commands[i].command) != 0) fish_option(&commands[i], &rows[k]);
        }
    }
    (void)printf("complete -c autoenc -n '__fish_seen_subcommand_from help' -f -a '");
    print_command_names();
    (void)printf("'\n");
}

void tool_completion(const char *shell) {
    if (strcmp(shell, "bash") == 0)
        print_bash();
    else if (strcmp(shell, "zsh") == 0)
        print_zsh();
    else
        print_fish();
}
