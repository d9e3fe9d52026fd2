/* help.h - what the tables print, all on standard output: the help, the manual page, the completions. */
#ifndef TOOL_HELP_H
#define TOOL_HELP_H

#include "option_table.h"

/* Help for one command, or (NULL) for the tool. */
void tool_help(const struct command_row *command);
/* The manual page of the tool, in the man macros of troff. */
void tool_manual(void);
/* A script that completes commands, options, closed lists of values and paths; shell is bash, zsh or fish. */
void tool_completion(const char *shell);

/* What the help and the manual page both state. */
extern const char tool_help_data[], tool_help_names[], tool_help_status[];
/* The usage line of a command behind "autoenc ": "train DATA [OPTION]... -o MODEL". */
void tool_help_usage(const struct command_row *command, char *out, size_t size);

#endif
