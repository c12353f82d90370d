/* SPDX-License-Identifier: MIT */
/* ctl.h: one run of the client: the server it talks to, and what the commands share.
 *
 * A command prints its results to stdout, errors too, for that is where scripts look for
 * them; the exit status is that of the last thing that went wrong.
 */
#ifndef SUPERVISOR_CLI_CTL_H
#define SUPERVISOR_CLI_CTL_H

#include "client.h"
#include "ctl_options.h"
#include "input.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Exit statuses. Source: Supervisor supervisorctl.py, LSBInitExitStatuses. */
enum ctl_status {
    CTL_SUCCESS = 0,
    CTL_GENERIC = 1,
    CTL_INVALID_ARGS = 2,
    CTL_UNIMPLEMENTED = 3,
    CTL_INSUFFICIENT_PRIVILEGES = 4,
    CTL_NOT_INSTALLED = 5,
    CTL_NOT_RUNNING = 7,
    /* status uses two of them in another sense */
    CTL_STATUS_NOT_RUNNING = 3,
    CTL_STATUS_UNKNOWN = 4,
};

struct ctl {
    const struct ctl_settings *settings;
    struct client *client;
    struct input *input;
    int status;             /* of the line that runs */
    bool interactive;       /* questions may be asked */
    bool in_shell;          /* lines are typed */
    bool left;              /* the shell is to end */
    bool needs_credentials; /* a call of this line was refused */
    bool hinted;            /* the way out was shown already */
    bool colour;            /* stdout is a terminal that wants it */
    struct call processes;  /* getAllProcessInfo's answer, kept for completion */
};

/* What a command was asked to do: its words without the options it knows. */
struct request {
    const char *rest; /* all words as typed */
    char **words;     /* borrowed strings, owned list */
    size_t n;
    bool json, watch, verbose, no_wait, dry_run, live, update, rolling;
    uint64_t parallel;      /* restart --rolling; 0: not given */
    uint64_t timeout_ms;    /* 0: none */
    const char *wait_state; /* wait --for */
};

/* Returns 0 or -ENOMEM. settings must outlive it. */
int ctl_init(struct ctl *ctl, const struct ctl_settings *settings);
void ctl_close(struct ctl *ctl);

/* Talk to another server, with the same credentials. 0 or -ENOMEM. */
int ctl_open(struct ctl *ctl, const char *url);

/* Print and remember: a failure with this exit status. */
void ctl_fail(struct ctl *ctl, int status, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* Report a call that went wrong in a way its command does not expect: "error: ...", status 1.
 * A refusal for want of credentials is only noted, for the dialogue. */
void ctl_report(struct ctl *ctl, const struct call *call);

/* Is there a server, and does it speak our language? Otherwise says so and sets the status. */
bool ctl_check(struct ctl *ctl);

/* Say that nobody listens if that is what the call met; false for any other failure. */
bool ctl_report_absence(struct ctl *ctl, const struct call *call, const char *suffix);

/* Call a method with up to two strings (NULL: not given) and wait. */
void ctl_call(struct ctl *ctl, struct call *call, const char *method, const char *first,
              const char *second);

/* Run a line: a command and its words. */
void ctl_run(struct ctl *ctl, const char *text);

/* The names with patterns replaced by what they match; asks the server only if there are
 * patterns. NULL: it failed and was reported. Free with names_free(). */
char **ctl_expand_names(struct ctl *ctl, const struct request *request, size_t *ret_n);

/* getAllProcessInfo's answer for completion, an ARRAY, or NULL. Kept until the next command. */
const struct value *ctl_processes(struct ctl *ctl);
void ctl_forget_processes(struct ctl *ctl);

/* Wall of ns for --timeout: sets or clears the client's deadline. */
void ctl_start_clock(struct ctl *ctl, const struct request *request);

#endif
