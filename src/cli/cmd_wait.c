/* SPDX-License-Identifier: MIT */
/* cmd_wait.c: wait until processes are in a state: for scripts. */
#include "commands.h"
#include "interrupt.h"
#include "names.h"

#include "supervisor/core/clock.h"
#include "supervisor/core/state.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

enum { LOOK_MS = 200 };

enum outlook { OUTLOOK_WAIT, OUTLOOK_DONE, OUTLOOK_HOPELESS };

/* A FATAL process does not become RUNNING by waiting. */
static enum outlook judge(struct ctl *ctl, const struct value *infos, char *const names[], size_t n,
                          const char *wanted)
{
    enum outlook outlook = OUTLOOK_DONE;
    for (size_t i = 0; i < n; i++) {
        struct namespec spec;
        const struct value *info = NULL;
        if (namespec_parse(names[i], &spec) < 0)
            return OUTLOOK_HOPELESS;
        for (size_t k = 0; k < infos->n && !info; k++)
            info = namespec_holds(&spec, &infos->items[k]) ? &infos->items[k] : NULL;
        const char *state = value_member_string(info, "statename", "");
        if (!info) {
            ctl_fail(ctl, CTL_STATUS_UNKNOWN, "%s: ERROR (no such %s)\n",
                     spec.process ? names[i] : spec.group, spec.process ? "process" : "group");
            outlook = OUTLOOK_HOPELESS;
        } else if (strcasecmp(state, wanted) != 0) {
            bool hopeless = strcmp(state, "FATAL") == 0 && strcasecmp(wanted, "RUNNING") == 0;
            if (hopeless)
                ctl_fail(ctl, CTL_GENERIC, "%s: ERROR (FATAL: %s)\n", names[i],
                         value_member_string(info, "description", ""));
            if (outlook != OUTLOOK_HOPELESS)
                outlook = hopeless ? OUTLOOK_HOPELESS : OUTLOOK_WAIT;
        }
        namespec_free(&spec);
    }
    return outlook;
}

static enum outlook look(struct ctl *ctl, const struct request *request, const char *wanted)
{
    struct call call;
    enum outlook outlook = OUTLOOK_HOPELESS;
    ctl_call(ctl, &call, "getAllProcessInfo", NULL, NULL);
    if (call.answer == ANSWER_VALUE) {
        size_t n = 0;
        char **names = names_expand_members(request->words, request->n, &call.value, &n);
        if (names)
            outlook = judge(ctl, &call.value, names, n, wanted);
        names_free(names, n);
    } else if (request->timeout_ms &&
               (call_is_absence(&call) || call_is_fault(&call, FAULT_SHUTDOWN_STATE))) {
        outlook = OUTLOOK_WAIT; /* the daemon itself may be on its way */
    } else if (!ctl_report_absence(ctl, &call, "")) {
        ctl_report(ctl, &call);
    }
    call_free(&call);
    return outlook;
}

static bool is_state(const char *word)
{
    static const char *const names[] = {
#define X(name, code) #name,
        PROCESS_STATES(X)
#undef X
    };
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
        if (strcasecmp(word, names[i]) == 0)
            return true;
    return false;
}

void cmd_wait(struct ctl *ctl, const struct request *request)
{
    const char *wanted = request->wait_state ? request->wait_state : "RUNNING";
    if (!request->n) {
        ctl_fail(ctl, CTL_INVALID_ARGS, "Error: wait requires a process name\n");
        command_print_help("wait");
        return;
    }
    if (!is_state(wanted)) {
        ctl_fail(ctl, CTL_INVALID_ARGS, "Error: no such state: %s\n", wanted);
        return;
    }
    uint64_t deadline_ns =
        request->timeout_ms ? clock_now_ns() + request->timeout_ms * NS_PER_MS : NS_NEVER;
    client_set_deadline(ctl->client, 0); /* ours ends the loop, not a single look */
    struct interrupt interrupt;
    enum outlook outlook;
    bool interrupted = false;
    interrupt_begin(&interrupt);
    while ((outlook = look(ctl, request, wanted)) == OUTLOOK_WAIT && !interrupted &&
           clock_now_ns() < deadline_ns)
        interrupted = interrupt_wait(&interrupt, LOOK_MS);
    interrupt_end(&interrupt);
    if (interrupted)
        ctl_fail(ctl, CTL_GENERIC, "\n");
    else if (outlook == OUTLOOK_WAIT)
        ctl_fail(ctl, CTL_GENERIC, "ERROR: timed out waiting for %s\n", wanted);
}
