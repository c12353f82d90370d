/* SPDX-License-Identifier: MIT */
/* methods_daemon.c: supervisor.*: the daemon itself, its configuration, its groups.
 *
 * Source: Supervisor rpcinterface.py.
 */
#include "call.h"
#include "param.h"
#include "supervisor/core/event.h"
#include "supervisor/version.h"
#include "supervisor/workers/crew.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static void handle_api_version(struct rpc_call *call)
{
    xmlrpc_write_string(call->out, "3.0");
}

static void handle_supervisor_version(struct rpc_call *call)
{
    xmlrpc_write_string(call->out, SUPERVISOR_VERSION);
}

static void handle_identification(struct rpc_call *call)
{
    xmlrpc_write_string(call->out, crew_config()->identifier);
}

static void handle_state(struct rpc_call *call)
{
    enum daemon_mood mood = crew_mood();

    xmlrpc_write_struct_begin(call->out);
    xmlrpc_write_member_int(call->out, "statecode", mood);
    xmlrpc_write_member_string(call->out, "statename", daemon_mood_name(mood));
    xmlrpc_write_struct_end(call->out);
}

static void handle_pid(struct rpc_call *call)
{
    xmlrpc_write_int(call->out, getpid());
}

/* ---- going down ---- */

static void handle_shutdown(struct rpc_call *call)
{
    char *error = NULL;

    if (crew_shut_down(DAEMON_SHUTDOWN, &error))
        xmlrpc_write_bool(call->out, true);
    else
        call_fault(call, FAULT_FAILED, error);
    free(error);
}

/* Unlike the reference a file that cannot be read does not end the daemon: it is checked first. */
static void handle_restart(struct rpc_call *call)
{
    char *error = NULL;

    if (crew_shut_down(DAEMON_RESTARTING, &error))
        xmlrpc_write_bool(call->out, true);
    else
        call_fault(call, error ? FAULT_CANT_REREAD : FAULT_FAILED, error);
    free(error);
}

/* ---- the configuration ---- */

static void write_names(struct buf *out, char **names, size_t n)
{
    xmlrpc_write_array_begin(out);
    for (size_t i = 0; i < n; i++)
        xmlrpc_write_string(out, names[i]);
    xmlrpc_write_array_end(out);
}

static void handle_reload_config(struct rpc_call *call)
{
    struct crew_diff diff = { 0 };
    char *error = NULL;

    if (crew_reread(&diff, &error) < 0) {
        call_fault(call, FAULT_CANT_REREAD, error ? error : "out of memory");
        free(error);
        return;
    }
    xmlrpc_write_array_begin(call->out);
    xmlrpc_write_array_begin(call->out);
    write_names(call->out, diff.added, diff.n_added);
    write_names(call->out, diff.changed, diff.n_changed);
    write_names(call->out, diff.removed, diff.n_removed);
    xmlrpc_write_array_end(call->out);
    xmlrpc_write_array_end(call->out);
    crew_diff_free(&diff);
}

/* The group's name as text: clients that send a number are told about that number. takes_any: also
 * about an array. NULL: the fault is set. To free. */
static char *get_group_name(struct rpc_call *call, bool takes_any)
{
    const struct value *name = call_param(call, 0);
    struct buf text = BUF_INIT;

    if (name->kind == VALUE_NIL) {
        call_fault(call, FAULT_BAD_NAME, NULL);
        return NULL;
    }
    if (!takes_any && (name->kind == VALUE_ARRAY || name->kind == VALUE_STRUCT)) {
        call_fault(call, FAULT_INCORRECT_PARAMETERS, NULL);
        return NULL;
    }
    param_str(&text, name);
    char *copy = strdup(buf_text(&text));
    buf_free(&text);
    if (!copy)
        call_fault(call, FAULT_FAILED, "out of memory");
    return copy;
}

static void answer_crew(struct rpc_call *call, enum crew_result result, const char *name,
                        const char *error)
{
    switch (result) {
    case CREW_OK:
        xmlrpc_write_bool(call->out, true);
        break;
    case CREW_BAD_NAME:
        call_fault(call, FAULT_BAD_NAME, name);
        break;
    case CREW_ALREADY_ADDED:
        call_fault(call, FAULT_ALREADY_ADDED, name);
        break;
    case CREW_STILL_RUNNING:
        call_fault(call, FAULT_STILL_RUNNING, name);
        break;
    case CREW_FAILED:
        call_fault(call, FAULT_FAILED, error ? error : name);
        break;
    }
}

static void handle_add_group(struct rpc_call *call)
{
    char *error = NULL, *name = get_group_name(call, true);

    if (!name)
        return;
    answer_crew(call, crew_add_group(name, &error), name, error);
    free(error);
    free(name);
}

static void handle_remove_group(struct rpc_call *call)
{
    char *name = get_group_name(call, false);

    if (!name)
        return;
    answer_crew(call, crew_remove_group(name), name, NULL);
    free(name);
}

/* ---- events ---- */

/* Any types: what is no string arrives as Python would print it. */
static void handle_remote_event(struct rpc_call *call)
{
    struct buf payload = BUF_INIT;

    buf_puts(&payload, "type:");
    param_str(&payload, call_param(call, 0));
    buf_putc(&payload, '\n');
    param_str(&payload, call_param(call, 1));
    if (payload.error) {
        call_fault(call, FAULT_FAILED, "out of memory");
    } else {
        bus_publish(EVENT_REMOTE_COMMUNICATION, buf_text(&payload), payload.len);
        xmlrpc_write_bool(call->out, true);
    }
    buf_free(&payload);
}

#define ALWAYS_TRUE "@return boolean result  always true unless there is a fault\n"

const struct method daemon_methods[] = {
    { "getAPIVersion", "string",
      "The version of this interface, which changes when calls do.\n\n@return string version  "
      "\"3.0\"\n",
      handle_api_version, 0 },
    { "getVersion", "string", "The old name of getAPIVersion.\n\n@return string version  \"3.0\"\n",
      handle_api_version, 0 },
    { "getSupervisorVersion", "string",
      "The version of Supervisor whose behaviour this daemon has.\n\n@return string version  "
      "for example \"4.3.0\"\n",
      handle_supervisor_version, 0 },
    { "getIdentification", "string",
      "The name that the configuration gives this daemon (identifier).\n\n@return string "
      "identifier  \"supervisor\" unless set\n",
      handle_identification, 0 },
    { "getState", "struct",
      "What the daemon is about.\n\n@return struct result  {int statecode, string statename}: 1 "
      "RUNNING\n",
      handle_state, 0 },
    { "getPID", "int", "The daemon's process id.\n\n@return int pid  its pid\n", handle_pid, 0 },
    { "shutdown", "boolean",
      "Stop all programs and end the daemon. Answers before anything stops.\n\n" ALWAYS_TRUE,
      handle_shutdown, METHOD_CHANGES },
    { "restart", "boolean",
      "Stop all programs, read the configuration and start anew. A configuration with errors "
      "changes nothing.\n\n" ALWAYS_TRUE,
      handle_restart, METHOD_CHANGES },
    { "reloadConfig", "array",
      "Read the configuration again and tell what differs from what is active; running programs "
      "are not touched.\n\n@return array result  [[added, changed, removed]], each an array of "
      "group names\n",
      handle_reload_config, METHOD_CHANGES },
    { "updateConfig", "array,struct",
      "Read the configuration again and bring what runs to it. An addition to Supervisor's "
      "methods.\n\n"
      "@param struct options  all optional: boolean dry_run (only tell), boolean live (start only "
      "what must be started anew, process by process, and change the rest while it runs), array "
      "groups (only these), array processes (only these, live)\n"
      "@return array result  a struct for each group or program concerned: group, name (\"\" for "
      "the group), action (added, removed, restarted, changed), why, status, description\n",
      handle_update_config, METHOD_CHANGES | METHOD_OPTIONAL_LAST },
    { "addProcessGroup", "boolean,string",
      "Make a group of the configuration active and start what starts by itself.\n\n"
      "@param string name  the group\n" ALWAYS_TRUE,
      handle_add_group, METHOD_CHANGES },
    { "removeProcessGroup", "boolean,string",
      "Make a stopped group inactive.\n\n@param string name  the group\n" ALWAYS_TRUE,
      handle_remove_group, METHOD_CHANGES },
    { "sendRemoteCommEvent", "boolean,string,string",
      "Send an event REMOTE_COMMUNICATION to the listeners that want it.\n\n"
      "@param string type  what it is about\n@param string data  its text\n" ALWAYS_TRUE,
      handle_remote_event, METHOD_CHANGES | METHOD_ANY_MOOD },
    { NULL, NULL, NULL, NULL, 0 },
};
