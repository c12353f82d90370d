/* SPDX-License-Identifier: MIT */
/* methods_control.c: supervisor.*: start, stop, signal, feed programs, clear their logs.
 *
 * Source: Supervisor rpcinterface.py, startProcess() and what stands around it.
 */
#include "call.h"
#include "deferred.h"
#include "param.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* ---- who is meant ---- */

struct selection {
    struct process **processes;
    size_t n;
};

static bool wants(enum task_kind kind, struct process *p)
{
    enum process_state state = process_state(p);

    switch (kind) {
    case TASK_START:
        return !process_state_is_running(state);
    case TASK_STOP:
        return process_state_is_running(state);
    case TASK_SIGNAL:
    case TASK_RELOAD:
        return process_state_is_signallable(state);
    case TASK_CLEAR_LOGS:
    case TASK_ROTATE_LOGS:
    case TASK_REOPEN_LOGS:
    case TASK_STDIN:
        break;
    }
    return true;
}

static int compare_priority(const void *a, const void *b)
{
    const struct process *left = *(struct process *const *)a;
    const struct process *right = *(struct process *const *)b;
    return (left->config->priority > right->config->priority) -
           (left->config->priority < right->config->priority);
}

/* Insertion: stable, and mostly sorted already. */
static void sort_by_priority(struct process **processes, size_t n)
{
    for (size_t i = 1; i < n; i++) {
        struct process *p = processes[i];
        size_t at = i;
        for (; at > 0 && compare_priority(&processes[at - 1], &p) > 0; at--)
            processes[at] = processes[at - 1];
        processes[at] = p;
    }
}

/* Those of group whose state fits, by priority, behind what is selected already. */
static int select_group(struct selection *selection, const struct group *group, enum task_kind kind)
{
    struct process **processes = reallocarray(
        selection->processes, selection->n + group->n_processes + 1, sizeof(struct process *));
    if (!processes)
        return -ENOMEM;
    selection->processes = processes;
    struct process **own = processes + selection->n;
    size_t n = 0;
    for (size_t i = 0; i < group->n_processes; i++)
        if (wants(kind, group->processes[i]))
            own[n++] = group->processes[i];
    sort_by_priority(own, n);
    selection->n += n;
    return 0;
}

static int select_all(struct selection *selection, enum task_kind kind)
{
    size_t n;
    struct group **groups = process_table_by_priority(&n);
    int r = groups ? 0 : -ENOMEM;
    for (size_t i = 0; i < n && r == 0; i++)
        r = select_group(selection, groups[i], kind);
    free(groups);
    return r;
}

static void run_selected(struct rpc_call *call, struct task_order *order,
                         const struct selection *selection, int error)
{
    order->is_array = true;
    if (error == 0)
        deferred_run(call, order, selection->processes, selection->n);
    else
        call_fault(call, FAULT_FAILED, strerror(-error));
    free(selection->processes);
}

static void run_group(struct rpc_call *call, struct task_order *order, const struct group *group)
{
    struct selection selection = { NULL, 0 };
    int error = select_group(&selection, group, order->kind);
    run_selected(call, order, &selection, error);
}

static void run_all(struct rpc_call *call, struct task_order *order)
{
    struct selection selection = { NULL, 0 };
    int error = select_all(&selection, order->kind);
    run_selected(call, order, &selection, error);
}

/* The first parameter names a group, and nothing else. */
static void run_named_group(struct rpc_call *call, struct task_order *order)
{
    const struct value *name = call_param(call, 0);
    struct buf text = BUF_INIT;

    if (name->kind == VALUE_ARRAY || name->kind == VALUE_STRUCT) {
        call_fault(call, FAULT_INCORRECT_PARAMETERS, NULL);
        return;
    }
    param_str(&text, name);
    struct group *group =
        name->kind == VALUE_NIL ? NULL : process_table_find_group(buf_text(&text));
    if (group)
        run_group(call, order, group);
    else
        call_fault(call, FAULT_BAD_NAME, name->kind == VALUE_NIL ? NULL : buf_text(&text));
    buf_free(&text);
}

/* The first parameter names a program, or "group:*" where takes_groups. */
static void run_named(struct rpc_call *call, struct task_order *order, bool takes_groups)
{
    const struct value *name = call_param(call, 0);
    struct process *process = NULL;
    struct group *group = NULL;

    if (name->kind != VALUE_STRING) {
        call_fault(call, FAULT_INCORRECT_PARAMETERS, NULL);
        return;
    }
    if (process_table_resolve(name->string, &group, &process) < 0 || (!process && !takes_groups)) {
        call_fault(call, FAULT_BAD_NAME, name->string);
        return;
    }
    if (!process) {
        run_group(call, order, group);
        return;
    }
    order->name = name->string;
    deferred_run(call, order, &process, 1);
}

/* ---- start and stop ---- */

/* "wait" is the parameter behind the first n, true unless given. */
static bool get_wait(const struct rpc_call *call, size_t n)
{
    return call_n_params(call) <= n || param_truth(call_param(call, n));
}

static void handle_start(struct rpc_call *call)
{
    struct task_order order = { .kind = TASK_START, .wait = get_wait(call, 1) };
    run_named(call, &order, true);
}

static void handle_start_group(struct rpc_call *call)
{
    struct task_order order = { .kind = TASK_START, .wait = get_wait(call, 1) };
    run_named_group(call, &order);
}

static void handle_start_all(struct rpc_call *call)
{
    struct task_order order = { .kind = TASK_START, .wait = get_wait(call, 0) };
    run_all(call, &order);
}

static void handle_stop(struct rpc_call *call)
{
    struct task_order order = { .kind = TASK_STOP, .wait = get_wait(call, 1) };
    run_named(call, &order, true);
}

static void handle_stop_group(struct rpc_call *call)
{
    struct task_order order = { .kind = TASK_STOP, .wait = get_wait(call, 1) };
    run_named_group(call, &order);
}

static void handle_stop_all(struct rpc_call *call)
{
    struct task_order order = { .kind = TASK_STOP, .wait = get_wait(call, 0) };
    run_all(call, &order);
}

/* ---- signals ---- */

/* order of the signal in parameter i; a wrong one is told program by program. text is to free after
 * the order has run. false: the fault is set. */
static bool get_signal(struct rpc_call *call, size_t i, struct task_order *order, struct buf *text)
{
    const struct value *signal = call_param(call, i);

    if (signal->kind == VALUE_ARRAY || signal->kind == VALUE_STRUCT) {
        call_fault(call, FAULT_INCORRECT_PARAMETERS, NULL);
        return false;
    }
    param_str(text, signal);
    order->kind = TASK_SIGNAL;
    order->text = buf_text(text);
    if (param_signal(signal, &order->signal) < 0)
        order->signal = -1;
    return true;
}

static void handle_signal(struct rpc_call *call)
{
    struct task_order order = { 0 };
    struct buf text = BUF_INIT;

    if (get_signal(call, 1, &order, &text))
        run_named(call, &order, true);
    buf_free(&text);
}

static void handle_signal_group(struct rpc_call *call)
{
    struct task_order order = { 0 };
    struct buf text = BUF_INIT;

    if (get_signal(call, 1, &order, &text))
        run_named_group(call, &order);
    buf_free(&text);
}

static void handle_signal_all(struct rpc_call *call)
{
    struct task_order order = { 0 };
    struct buf text = BUF_INIT;

    if (get_signal(call, 0, &order, &text))
        run_all(call, &order);
    buf_free(&text);
}

/* ---- logs ---- */

static void handle_clear_logs(struct rpc_call *call)
{
    struct task_order order = { .kind = TASK_CLEAR_LOGS };
    run_named(call, &order, false);
}

static void handle_clear_all_logs(struct rpc_call *call)
{
    struct task_order order = { .kind = TASK_CLEAR_LOGS };
    run_all(call, &order);
}

/* ---- additions: reload, rotate, reopen: one program, a group, all ---- */

static void handle_reload(struct rpc_call *call)
{
    struct task_order order = { .kind = TASK_RELOAD };
    run_named(call, &order, true);
}

static void handle_reload_group(struct rpc_call *call)
{
    struct task_order order = { .kind = TASK_RELOAD };
    run_named_group(call, &order);
}

static void handle_reload_all(struct rpc_call *call)
{
    struct task_order order = { .kind = TASK_RELOAD };
    run_all(call, &order);
}

static void handle_rotate(struct rpc_call *call)
{
    struct task_order order = { .kind = TASK_ROTATE_LOGS };
    run_named(call, &order, true);
}

static void handle_rotate_group(struct rpc_call *call)
{
    struct task_order order = { .kind = TASK_ROTATE_LOGS };
    run_named_group(call, &order);
}

static void handle_rotate_all(struct rpc_call *call)
{
    struct task_order order = { .kind = TASK_ROTATE_LOGS };
    run_all(call, &order);
}

static void handle_reopen(struct rpc_call *call)
{
    struct task_order order = { .kind = TASK_REOPEN_LOGS };
    run_named(call, &order, true);
}

static void handle_reopen_group(struct rpc_call *call)
{
    struct task_order order = { .kind = TASK_REOPEN_LOGS };
    run_named_group(call, &order);
}

static void handle_reopen_all(struct rpc_call *call)
{
    struct task_order order = { .kind = TASK_REOPEN_LOGS };
    run_all(call, &order);
}

/* ---- standard input ---- */

static void handle_stdin(struct rpc_call *call)
{
    const struct value *chars = call_param(call, 1);
    struct task_order order = { .kind = TASK_STDIN, .text = chars->string, .len = chars->len };

    if (chars->kind == VALUE_STRING) {
        run_named(call, &order, false);
        return;
    }
    struct buf text = BUF_INIT;
    param_str(&text, chars);
    call_fault(call, FAULT_INCORRECT_PARAMETERS, chars->kind == VALUE_NIL ? NULL : buf_text(&text));
    buf_free(&text);
}

#define NAME_HELP   "@param string name  the program, group:program, or group:* for all of a group\n"
#define GROUP_HELP  "@param string name  the group\n"
#define SIGNAL_HELP "@param string signal  its name, with or without SIG, or its number\n"
#define RESULTS_HELP                                                                               \
    "@return array result  a struct for each program: name, group, status, description\n"
#define TRUE_HELP "@return boolean result  always true unless there is a fault\n"
#define UP_HELP   "@param boolean wait  answer only when it has run for startsecs\n"
#define DOWN_HELP "@param boolean wait  answer only when it has ended\n"

const struct method control_methods[] = {
    { "startProcess", "boolean,string,boolean", "Start a program.\n\n" NAME_HELP UP_HELP TRUE_HELP,
      handle_start, METHOD_CHANGES | METHOD_OPTIONAL_LAST },
    { "startProcessGroup", "array,string,boolean",
      "Start all programs of a group that do not run.\n\n" GROUP_HELP UP_HELP RESULTS_HELP,
      handle_start_group, METHOD_CHANGES | METHOD_OPTIONAL_LAST },
    { "startAllProcesses", "array,boolean",
      "Start all programs that do not run.\n\n" UP_HELP RESULTS_HELP, handle_start_all,
      METHOD_CHANGES | METHOD_OPTIONAL_LAST },
    { "stopProcess", "boolean,string,boolean", "Stop a program.\n\n" NAME_HELP DOWN_HELP TRUE_HELP,
      handle_stop, METHOD_CHANGES | METHOD_OPTIONAL_LAST },
    { "stopProcessGroup", "array,string,boolean",
      "Stop all programs of a group that run.\n\n" GROUP_HELP DOWN_HELP RESULTS_HELP,
      handle_stop_group, METHOD_CHANGES | METHOD_OPTIONAL_LAST },
    { "stopAllProcesses", "array,boolean", "Stop all programs that run.\n\n" DOWN_HELP RESULTS_HELP,
      handle_stop_all, METHOD_CHANGES | METHOD_OPTIONAL_LAST },
    { "signalProcess", "boolean,string,string",
      "Send a signal to a program, and to nobody else of its process group.\n\n" NAME_HELP
          SIGNAL_HELP TRUE_HELP,
      handle_signal, METHOD_CHANGES },
    { "signalProcessGroup", "array,string,string",
      "Send a signal to all programs of a group that run.\n\n" GROUP_HELP SIGNAL_HELP RESULTS_HELP,
      handle_signal_group, METHOD_CHANGES },
    { "signalAllProcesses", "array,string",
      "Send a signal to all programs that run.\n\n" SIGNAL_HELP RESULTS_HELP, handle_signal_all,
      METHOD_CHANGES },
    { "clearProcessLogs", "boolean,string",
      "Empty a program's logs.\n\n@param string name  the program, or group:program\n" TRUE_HELP,
      handle_clear_logs, METHOD_CHANGES },
    { "clearProcessLog", "boolean,string",
      "The old name of clearProcessLogs.\n\n@param string name  the program, or "
      "group:program\n" TRUE_HELP,
      handle_clear_logs, METHOD_CHANGES },
    { "clearAllProcessLogs", "array", "Empty the logs of all programs.\n\n" RESULTS_HELP,
      handle_clear_all_logs, METHOD_CHANGES },
    { "sendProcessStdin", "boolean,string,string",
      "Write to a program's standard input.\n\n@param string name  the program, or "
      "group:program\n@param string chars  what to write, as UTF-8\n" TRUE_HELP,
      handle_stdin, METHOD_CHANGES },
    { "reloadProcess", "boolean,string",
      "Send a program its reloadsignal. An addition to Supervisor's methods.\n\n" NAME_HELP
          TRUE_HELP,
      handle_reload, METHOD_CHANGES },
    { "reloadProcessGroup", "array,string",
      "Send each program of a group that runs its reloadsignal. An addition.\n\n" GROUP_HELP
          RESULTS_HELP,
      handle_reload_group, METHOD_CHANGES },
    { "reloadAllProcesses", "array",
      "Send each program that runs its reloadsignal. An addition.\n\n" RESULTS_HELP,
      handle_reload_all, METHOD_CHANGES },
    { "rotateProcessLogs", "boolean,string",
      "Rotate a program's logs now. An addition.\n\n" NAME_HELP TRUE_HELP, handle_rotate,
      METHOD_CHANGES },
    { "rotateProcessGroupLogs", "array,string",
      "Rotate the logs of a group's programs now. An addition.\n\n" GROUP_HELP RESULTS_HELP,
      handle_rotate_group, METHOD_CHANGES },
    { "rotateAllProcessLogs", "array",
      "Rotate the logs of all programs now. An addition.\n\n" RESULTS_HELP, handle_rotate_all,
      METHOD_CHANGES },
    { "reopenProcessLogs", "boolean,string",
      "Open a program's logs by their names again. An addition.\n\n" NAME_HELP TRUE_HELP,
      handle_reopen, METHOD_CHANGES },
    { "reopenProcessGroupLogs", "array,string",
      "Open the logs of a group's programs by their names again. An addition.\n\n" GROUP_HELP
          RESULTS_HELP,
      handle_reopen_group, METHOD_CHANGES },
    { "reopenAllProcessLogs", "array",
      "Open the logs of all programs by their names again. An addition.\n\n" RESULTS_HELP,
      handle_reopen_all, METHOD_CHANGES },
    { NULL, NULL, NULL, NULL, 0 },
};
