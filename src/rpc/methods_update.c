/* SPDX-License-Identifier: MIT */
/* methods_update.c: supervisor.updateConfig: an addition: the whole of update in one call. */
#include "call.h"
#include "supervisor/workers/crew.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static const char *const words[] = {
    [CREW_GROUP_ADDED] = "added",           [CREW_GROUP_REMOVED] = "removed",
    [CREW_GROUP_RESTARTED] = "restarted",   [CREW_GROUP_CHANGED] = "changed",
    [CREW_PROCESS_ADDED] = "added",         [CREW_PROCESS_REMOVED] = "removed",
    [CREW_PROCESS_RESTARTED] = "restarted", [CREW_PROCESS_CHANGED] = "changed",
};

static void write_action(struct buf *out, const struct crew_action *action)
{
    xmlrpc_write_struct_begin(out);
    xmlrpc_write_member_string(out, "group", action->group);
    xmlrpc_write_member_string(out, "name", action->process ? action->process : "");
    xmlrpc_write_member_string(out, "action", words[action->change]);
    xmlrpc_write_member_string(out, "why", action->why ? action->why : "");
    xmlrpc_write_member_int(out, "status", action->error ? FAULT_FAILED : FAULT_SUCCESS);
    xmlrpc_write_member_string(out, "description", action->error ? action->error : "OK");
    xmlrpc_write_struct_end(out);
}

static void write_actions(struct buf *out, const struct crew_action *actions, size_t n)
{
    xmlrpc_write_array_begin(out);
    for (size_t i = 0; i < n; i++)
        write_action(out, &actions[i]);
    xmlrpc_write_array_end(out);
}

/* The strings of an array option, borrowed; *ret_list NULL: it was not given. 0, -EINVAL or
 * -ENOMEM. */
static int get_names(const struct value *options, const char *name, char ***ret_list, size_t *ret_n)
{
    const struct value *array = options ? value_member(options, name) : NULL;
    if (!array)
        return 0;
    if (array->kind != VALUE_ARRAY)
        return -EINVAL;
    char **list = calloc(array->n + 1, sizeof(char *));
    for (size_t i = 0; list && i < array->n; i++) {
        if (array->items[i].kind != VALUE_STRING) {
            free(list);
            return -EINVAL;
        }
        list[i] = array->items[i].string;
    }
    if (!list)
        return -ENOMEM;
    *ret_list = list;
    *ret_n = array->n;
    return 0;
}

static void refuse(struct rpc_call *call, int r, const char *error)
{
    if (error)
        call_fault(call, FAULT_CANT_REREAD, error);
    else if (r == -EINVAL)
        call_fault(call, FAULT_INCORRECT_PARAMETERS, NULL);
    else
        call_fault(call, FAULT_FAILED, r == -EBUSY ? "another update is under way" : strerror(-r));
}

static void on_updated(const struct crew_action *actions, size_t n, void *arg)
{
    struct rpc_call *call = arg;
    write_actions(call->out, actions, n);
    call_finish(call);
}

static int preview(struct rpc_call *call, const struct crew_update_order *order, char **ret_error)
{
    struct crew_action *actions = NULL;
    size_t n = 0;
    int r = crew_update_preview(order, &actions, &n, ret_error);
    if (r == 0)
        write_actions(call->out, actions, n);
    crew_actions_free(actions, n);
    return r;
}

void handle_update_config(struct rpc_call *call)
{
    const struct value *options = call_n_params(call) ? call_param(call, 0) : NULL;
    struct crew_update_order order = { .live = value_member_bool(options, "live", false) };
    char **groups = NULL, **processes = NULL, *error = NULL;
    int r = options && options->kind != VALUE_STRUCT ? -EINVAL : 0;
    if (r == 0)
        r = get_names(options, "groups", &groups, &order.n_groups);
    if (r == 0)
        r = get_names(options, "processes", &processes, &order.n_processes);
    order.groups = groups;
    order.processes = processes;
    if (r == 0 && value_member_bool(options, "dry_run", false))
        r = preview(call, &order, &error);
    else if (r == 0 && (r = crew_update(&order, on_updated, call, &error)) == 0)
        call_defer(call, crew_update_forget, call);
    if (r < 0)
        refuse(call, r, error);
    free(groups);
    free(processes);
    free(error);
}
