/* SPDX-License-Identifier: MIT */
/* commands.h: the table of commands. */
#ifndef SUPERVISOR_CLI_COMMANDS_H
#define SUPERVISOR_CLI_COMMANDS_H

#include "ctl.h"

/* Options that may stand among the words of a command. */
enum command_options {
    TAKES_JSON = 1,
    TAKES_WATCH = 2,
    TAKES_VERBOSE = 4, /* beside at least one name: alone it is a name as ever */
    TAKES_NO_WAIT = 8,
    TAKES_TIMEOUT = 16,
    TAKES_DRY_RUN = 32,
    TAKES_STATE = 64,
    TAKES_LIVE = 128,
    TAKES_UPDATE = 256,
    TAKES_ROLLING = 512, /* and --parallel */
};

struct command {
    const char *name;
    void (*run)(struct ctl *ctl, const struct request *request);
    const char *help; /* its lines; NULL: none */
    unsigned options;
    bool is_extra; /* not in the reference's table of commands */
};

extern const struct command commands[]; /* sorted; ends with name NULL */

const struct command *command_find(const char *name); /* NULL: none */

/* Print the lines that follow a usage error. */
void command_print_help(const char *name);

void cmd_status(struct ctl *ctl, const struct request *request);
void cmd_start(struct ctl *ctl, const struct request *request);
void cmd_stop(struct ctl *ctl, const struct request *request);
void cmd_restart(struct ctl *ctl, const struct request *request);
void cmd_signal(struct ctl *ctl, const struct request *request);
void cmd_hup(struct ctl *ctl, const struct request *request);
void cmd_rotate(struct ctl *ctl, const struct request *request);
void cmd_reopen(struct ctl *ctl, const struct request *request);
void cmd_clear(struct ctl *ctl, const struct request *request);
void cmd_pid(struct ctl *ctl, const struct request *request);
void cmd_tail(struct ctl *ctl, const struct request *request);
void cmd_logs(struct ctl *ctl, const struct request *request);
void cmd_maintail(struct ctl *ctl, const struct request *request);
void cmd_version(struct ctl *ctl, const struct request *request);
void cmd_fg(struct ctl *ctl, const struct request *request);
void cmd_avail(struct ctl *ctl, const struct request *request);
void cmd_reread(struct ctl *ctl, const struct request *request);
void cmd_update(struct ctl *ctl, const struct request *request);
void cmd_add(struct ctl *ctl, const struct request *request);
void cmd_remove(struct ctl *ctl, const struct request *request);
void cmd_shutdown(struct ctl *ctl, const struct request *request);
void cmd_reload(struct ctl *ctl, const struct request *request);
void cmd_open(struct ctl *ctl, const struct request *request);
void cmd_quit(struct ctl *ctl, const struct request *request);
void cmd_help(struct ctl *ctl, const struct request *request);
void cmd_wait(struct ctl *ctl, const struct request *request);

/* update --live and --dry-run, as the server plans and does it. False: it does not know how, and
 * nothing was said. */
bool update_by_server(struct ctl *ctl, const struct request *request);

/* restart --update: let these processes take up their new configuration; with dry_run only see that
 * they could. False: they cannot, and it was told. */
bool update_processes(struct ctl *ctl, char *const names[], size_t n, bool dry_run);

/* status -v: all there is to know of the processes infos[0..n-1]. */
void show_details(struct ctl *ctl, const struct value *const infos[], size_t n);

#endif
