/* SPDX-License-Identifier: MIT */
/* cmd_fg.c: fg: a process's output here, typed lines to its input. */
#include "commands.h"
#include "follow.h"

#include "supervisor/core/state.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    LOOK_MS = 1000, /* between two looks at a silent process */
    DRAIN_MS = 300, /* for the last answers when the input has ended */
};

static void put_fault(struct ctl *ctl, const struct call *call)
{
    struct buf text = BUF_INIT;
    call_put_error(call, &text);
    ctl_fail(ctl, CTL_GENERIC, "ERROR: %s\n", buf_text(&text));
    buf_free(&text);
}

/* Is there such a process, and does it run? Says so if not. */
static bool can_talk(struct ctl *ctl, const char *name)
{
    struct call call;
    ctl_call(ctl, &call, "getProcessInfo", name, NULL);
    bool runs = false;
    if (call.answer == ANSWER_VALUE) {
        runs = value_member_int(&call.value, "state", PROCESS_UNKNOWN) == PROCESS_RUNNING;
        if (!runs)
            ctl_fail(ctl, CTL_GENERIC, "ERROR: process not running\n");
    } else if (call_is_fault(&call, FAULT_BAD_NAME)) {
        ctl_fail(ctl, CTL_GENERIC, "ERROR: bad process name supplied\n");
    } else if (call.answer == ANSWER_FAULT) {
        put_fault(ctl, &call);
    } else {
        ctl_report(ctl, &call);
    }
    call_free(&call);
    return runs;
}

/* Does it still run? If not, or if nobody knows, says so. */
static bool goes_on(struct ctl *ctl, const char *name)
{
    struct call call;
    ctl_call(ctl, &call, "getProcessInfo", name, NULL);
    bool runs = call.answer == ANSWER_VALUE &&
                value_member_int(&call.value, "state", PROCESS_UNKNOWN) == PROCESS_RUNNING;
    if (call.answer == ANSWER_VALUE && !runs)
        printf("Process got killed\n");
    else if (call.answer == ANSWER_FAULT)
        put_fault(ctl, &call);
    else if (call.answer != ANSWER_VALUE)
        ctl_report(ctl, &call);
    call_free(&call);
    return runs;
}

static bool send_line(struct ctl *ctl, const char *name, const char *line)
{
    struct call call;
    struct buf text = BUF_INIT;
    buf_printf(&text, "%s\n", line);
    ctl_call(ctl, &call, "sendProcessStdin", name, buf_text(&text));
    bool sent = call.answer == ANSWER_VALUE;
    if (call_is_fault(&call, FAULT_NOT_RUNNING))
        printf("Process got killed\n");
    else if (call.answer == ANSWER_FAULT)
        put_fault(ctl, &call);
    else if (!sent)
        ctl_report(ctl, &call);
    buf_free(&text);
    call_free(&call);
    return sent && goes_on(ctl, name);
}

static void talk(struct ctl *ctl, struct follow *follow, const char *name)
{
    bool has_lines = false; /* more may be in our own buffer than the descriptor shows */
    for (bool open = true; open;) {
        unsigned events = follow_wait(follow, !has_lines, has_lines ? 0 : LOOK_MS);
        if (events & (FOLLOW_INTERRUPTED | FOLLOW_NO_READER))
            return;
        if (has_lines || (events & FOLLOW_INPUT)) {
            bool ended = false;
            char *line = input_take_line(ctl->input, &ended);
            has_lines = input_has_line(ctl->input);
            if (line)
                open = send_line(ctl, name, line);
            else if (ended)
                break;
            free(line);
        } else {
            open = goes_on(ctl, name);
        }
        if (!open)
            return;
    }
    (void)follow_wait(follow, false, DRAIN_MS);
}

void cmd_fg(struct ctl *ctl, const struct request *request)
{
    struct follow *follow = NULL;
    if (!ctl_check(ctl))
        return;
    if (!request->n) {
        ctl_fail(ctl, CTL_GENERIC, "ERROR: no process name supplied\n");
        command_print_help("fg");
        return;
    }
    if (request->n > 1) {
        ctl_fail(ctl, CTL_GENERIC, "ERROR: too many process names supplied\n");
        return;
    }
    const char *name = request->words[0];
    if (!can_talk(ctl, name))
        return;
    printf("==> Press Ctrl-C to exit <==\n");
    if (follow_begin(ctl, &follow) < 0) {
        ctl_fail(ctl, CTL_GENERIC, "error: out of memory\n");
        return;
    }
    (void)follow_add(follow, name, "stdout", NULL); /* a missing log says so and does no harm */
    (void)follow_add(follow, name, "stderr", NULL);
    talk(ctl, follow, name);
    follow_end(follow);
    printf("Exiting foreground\n");
}
