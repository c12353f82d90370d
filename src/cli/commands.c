/* SPDX-License-Identifier: MIT */
/* commands.c: the table of commands and their help. */
#include "commands.h"
#include "format.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

static const char help_of_help[] = "help\t\tShow the names of all commands\n"
                                   "help <action>\tShow what an action does\n";

const struct command commands[] = {
    { "EOF", cmd_quit, NULL, 0, false },
    { "add", cmd_add,
      "add <name> [...]\tStart to run new programs or groups of the configuration\n", 0, false },
    { "avail", cmd_avail, "avail\t\t\tShow the processes of the configuration as last read\n",
      TAKES_JSON, false },
    { "clear", cmd_clear,
      "clear <name>\t\tEmpty the log files of a process, or of a group <gname>:*\n"
      "clear <name> <name>\tEmpty the log files of several processes\n"
      "clear all\t\tEmpty the log files of all processes\n",
      0, false },
    { "exit", cmd_quit, "exit\tLeave this shell\n", 0, false },
    { "fg", cmd_fg,
      "fg <process>\tTalk to a process: its output here, your lines to its input\n"
      "\t\tCtrl-C leaves it alone again\n",
      0, false },
    { "help", cmd_help, help_of_help, 0, false },
    { "hup", cmd_hup,
      "hup <name> [...]\tSend a process its reloadsignal (also <gname>:*, patterns, all)\n", 0,
      true },
    { "logs", cmd_logs,
      "logs <name> [...]\tShow the last lines of the logs (also <gname>:*, patterns, all)\n"
      "logs -f <name> [...]\tFollow them; each line begins with its process\n"
      "logs -n 50 <name> [stdout|stderr]\tSo many lines, of this channel\n",
      0, true },
    { "maintail", cmd_maintail,
      "maintail -f \tFollow supervisord's own log (Ctrl-C ends it)\n"
      "maintail -100\tShow its last 100 *bytes*\n"
      "maintail\tShow its last 1600 *bytes*\n\n",
      0, false },
    { "open", cmd_open,
      "open <url>\tTalk to another supervisord, at this URL\n"
      "\t\t(http://host:port, or unix:///path/to/socket)\n",
      0, false },
    { "pid", cmd_pid,
      "pid\t\t\tShow the process id of supervisord\n"
      "pid <name>\t\tShow the process id of a program's process\n"
      "pid all\t\t\tShow the process ids of all programs, one a line\n",
      TAKES_JSON, false },
    { "quit", cmd_quit, "quit\tLeave this shell\n", 0, false },
    { "reload", cmd_reload, "reload \t\tRestart supervisord, with all it runs\n", 0, false },
    { "remove", cmd_remove,
      "remove <name> [...]\tForget stopped programs or groups until they are added again\n", 0,
      false },
    { "reopen", cmd_reopen,
      "reopen <name> [...]\tOpen log files by their names again (also <gname>:*, patterns, all)\n",
      0, true },
    { "reread", cmd_reread,
      "reread \t\t\tRead the configuration again; says what differs, changes nothing\n", TAKES_JSON,
      false },
    { "restart", cmd_restart,
      "restart <name>\t\tStop a process and start it again\n"
      "restart <gname>:*\tThe same for a group\n"
      "restart <name> <name>\tThe same for several processes or groups\n"
      "restart all\t\tThe same for all processes\n"
      "restart --update <name>\tThe same, and read its configuration again\n"
      "restart --rolling [--parallel <n>] <gname>:*\tOne after the other (or n at a time), as long "
      "as all become RUNNING\n"
      "A changed configuration does not take effect by this (but with --update): see reread and "
      "update\n",
      TAKES_NO_WAIT | TAKES_TIMEOUT | TAKES_UPDATE | TAKES_ROLLING, false },
    { "rotate", cmd_rotate,
      "rotate <name> [...]\tRotate log files now (also <gname>:*, patterns, all)\n", 0, true },
    { "shutdown", cmd_shutdown, "shutdown \tStop all processes and supervisord itself\n", 0,
      false },
    { "signal", cmd_signal,
      "signal <signal name> <name>\t\tSend a signal to a process\n"
      "signal <signal name> <gname>:*\t\tThe same for a group\n"
      "signal <signal name> <name> <name>\tThe same for several processes or groups\n"
      "signal <signal name> all\t\tThe same for all processes\n",
      0, false },
    { "start", cmd_start,
      "start <name>\t\tStart a process\n"
      "start <gname>:*\t\tStart a group\n"
      "start <name> <name>\tStart several processes or groups\n"
      "start all\t\tStart all processes\n",
      TAKES_NO_WAIT | TAKES_TIMEOUT, false },
    { "status", cmd_status,
      "status <name>\t\tShow how a process is (-v <name>: all that is known)\n"
      "status <gname>:*\tShow how the processes of a group are\n"
      "status <name> <name>\tShow how several processes or groups are\n"
      "status\t\t\tShow how all processes are (--watch: until Ctrl-C)\n",
      TAKES_JSON | TAKES_WATCH | TAKES_VERBOSE, false },
    { "stop", cmd_stop,
      "stop <name>\t\tStop a process\n"
      "stop <gname>:*\t\tStop a group\n"
      "stop <name> <name>\tStop several processes or groups\n"
      "stop all\t\tStop all processes\n",
      TAKES_NO_WAIT | TAKES_TIMEOUT, false },
    { "tail", cmd_tail,
      "tail [-f] <name> [stdout|stderr] (default stdout)\n"
      "Shows the end of a log; -n <lines> instead of -<bytes> counts lines. Examples:\n"
      "tail -f <name>\t\tFollow the log of a process\n"
      "\t\t\t(Ctrl-C ends it)\n"
      "tail -100 <name>\tShow its last 100 *bytes*\n"
      "tail <name> stderr\tShow the last 1600 *bytes* of what it wrote to stderr\n",
      0, false },
    { "update", cmd_update,
      "update\t\t\tRead the configuration; add, remove and restart what it changes\n"
      "update all\t\tThe same\n"
      "update <gname> [...]\tThe same, but only for these groups\n"
      "update --dry-run [...]\tOnly say what would be done, and for which options\n"
      "update --live [...]\tRestart only the processes that need it, change the others as they "
      "run\n",
      TAKES_JSON | TAKES_DRY_RUN | TAKES_TIMEOUT | TAKES_LIVE, false },
    { "version", cmd_version, "version\t\t\tShow the version of supervisord\n", TAKES_JSON, false },
    { "wait", cmd_wait,
      "wait <name> [...]\tWait until processes are RUNNING (also <gname>:*, patterns, all)\n"
      "wait <name> --for STOPPED --timeout 30\tAnother state; status 1 after so many seconds\n",
      TAKES_TIMEOUT | TAKES_STATE, true },
    { NULL, NULL, NULL, 0, false },
};

const struct command *command_find(const char *name)
{
    for (const struct command *c = commands; c->name; c++)
        if (strcmp(c->name, name) == 0)
            return c;
    return NULL;
}

void command_print_help(const char *name)
{
    const struct command *c = command_find(name);
    if (c && c->help)
        (void)fputs(c->help, stdout);
}

/* ---- help ---- */

enum { HELP_COLUMNS = 79 };

static void print_table(const char *title, bool extra)
{
    const char *names[64];
    size_t n = 0;
    struct buf out = BUF_INIT;
    for (const struct command *c = commands; c->name && n < sizeof(names) / sizeof(names[0]); c++)
        if (c->help && c->help != help_of_help && c->is_extra == extra)
            names[n++] = c->name;
    buf_printf(&out, "\n%s\n", title);
    for (size_t i = 0; i < strlen(title); i++)
        buf_putc(&out, '=');
    buf_putc(&out, '\n');
    format_columns(&out, names, n, HELP_COLUMNS);
    (void)fputs(buf_text(&out), stdout);
    buf_free(&out);
}

void cmd_help(struct ctl *ctl, const struct request *request)
{
    (void)ctl;
    if (*request->rest) {
        const struct command *c = command_find(request->rest);
        if (c && c->help)
            (void)fputs(c->help, stdout);
        else
            printf("*** No help on %s\n", request->rest);
        return;
    }
    print_table("default commands (type help <topic>):", false);
    if (isatty(STDOUT_FILENO)) /* scripts know the table as it was */
        print_table("further commands (type help <topic>):", true);
    printf("\n");
}

void cmd_quit(struct ctl *ctl, const struct request *request)
{
    (void)request;
    printf("\n");
    ctl->left = true;
}
