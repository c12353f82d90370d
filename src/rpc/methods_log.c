/* SPDX-License-Identifier: MIT */
/* methods_log.c: supervisor.*: reading logs. Clearing those of programs is in methods_control.c.
 *
 * Source: Supervisor rpcinterface.py, readLog(), _readProcessLog(), _tailProcessLog().
 */
#include "call.h"
#include "log_window.h"
#include "param.h"
#include "supervisor/core/log.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* The two numbers behind the first n parameters. false: the fault is set. */
static bool get_offset_and_length(struct rpc_call *call, size_t first, int64_t *ret_offset,
                                  int64_t *ret_length)
{
    if (param_int(call_param(call, first), ret_offset) == 0 &&
        param_int(call_param(call, first + 1), ret_length) == 0)
        return true;
    call_fault(call, FAULT_INCORRECT_PARAMETERS, NULL);
    return false;
}

/* The program that the first parameter names. false: the fault is set. */
static bool get_process(struct rpc_call *call, struct process **ret_process)
{
    const struct value *name = call_param(call, 0);
    struct group *group;

    if (name->kind != VALUE_STRING) {
        call_fault(call, FAULT_INCORRECT_PARAMETERS, NULL);
        return false;
    }
    if (process_table_resolve(name->string, &group, ret_process) < 0 || !*ret_process) {
        call_fault(call, FAULT_BAD_NAME, name->string);
        return false;
    }
    return true;
}

/* ---- read ---- */

static void read_log(struct rpc_call *call, const char *path, int64_t offset, int64_t length)
{
    struct buf bytes = BUF_LIMITED(LOG_WINDOW_MAX);
    struct log_window window;
    int64_t size;

    int fd = log_file_open(path, &size);
    if (fd == -ENOENT || fd == -ENOTDIR) {
        call_fault(call, FAULT_NO_FILE, path);
        return;
    }
    if (fd < 0) {
        call_fault(call, FAULT_FAILED, NULL);
        return;
    }
    if (log_window_read(size, offset, length, &window) < 0)
        call_fault(call, FAULT_BAD_ARGUMENTS, NULL);
    else if (log_file_read(fd, &window, &bytes) < 0)
        call_fault(call, FAULT_FAILED, NULL);
    else
        xmlrpc_write_string_n(call->out, buf_text(&bytes), bytes.len);
    (void)close(fd); /* only read */
    buf_free(&bytes);
}

static void handle_read_main(struct rpc_call *call)
{
    int64_t offset, length;

    if (!get_offset_and_length(call, 0, &offset, &length))
        return;
    if (log_path())
        read_log(call, log_path(), offset, length);
    else
        call_fault(call, FAULT_NO_FILE, NULL);
}

static void read_process_log(struct rpc_call *call, enum channel channel)
{
    struct process *process;
    int64_t offset, length;

    if (!get_process(call, &process) || !get_offset_and_length(call, 1, &offset, &length))
        return;
    if (process->logfile[channel])
        read_log(call, process->logfile[channel], offset, length);
    else
        call_fault(call, FAULT_NO_FILE, NULL);
}

static void handle_read_stdout(struct rpc_call *call)
{
    read_process_log(call, CHANNEL_STDOUT);
}

static void handle_read_stderr(struct rpc_call *call)
{
    read_process_log(call, CHANNEL_STDERR);
}

/* ---- tail ---- */

static void write_tail(struct rpc_call *call, const struct buf *bytes, int64_t offset,
                       bool overflow)
{
    xmlrpc_write_array_begin(call->out);
    xmlrpc_write_string_n(call->out, buf_text(bytes), bytes->len);
    xmlrpc_write_int(call->out, offset);
    xmlrpc_write_bool(call->out, overflow);
    xmlrpc_write_array_end(call->out);
}

static void tail_process_log(struct rpc_call *call, enum channel channel)
{
    struct buf bytes = BUF_LIMITED(LOG_WINDOW_MAX);
    struct process *process;
    struct log_window window;
    int64_t offset, length, size = 0;
    struct stat st;

    if (!get_process(call, &process) || !get_offset_and_length(call, 1, &offset, &length))
        return;
    const char *path = process->logfile[channel];
    if (!path || stat(path, &st) < 0) {
        write_tail(call, &bytes, 0, false);
        return;
    }
    int fd = log_file_open(path, &size);
    if (fd < 0) {
        write_tail(call, &bytes, offset, false);
        return;
    }
    log_window_tail(size, offset, length, &window);
    if (log_file_read(fd, &window, &bytes) < 0) {
        buf_reset(&bytes);
        write_tail(call, &bytes, offset, false);
    } else {
        write_tail(call, &bytes, size, window.overflow);
    }
    (void)close(fd); /* only read */
    buf_free(&bytes);
}

static void handle_tail_stdout(struct rpc_call *call)
{
    tail_process_log(call, CHANNEL_STDOUT);
}

static void handle_tail_stderr(struct rpc_call *call)
{
    tail_process_log(call, CHANNEL_STDERR);
}

/* ---- the daemon's own ---- */

/* Readers of the old file keep it: it is unlinked and made anew. */
static void handle_clear_log(struct rpc_call *call)
{
    struct stat st;
    const char *path = log_path();

    if (!path || stat(path, &st) < 0) {
        call_fault(call, FAULT_NO_FILE, NULL);
        return;
    }
    if (!S_ISREG(st.st_mode) || unlink(path) < 0 || log_reopen() < 0) {
        call_fault(call, FAULT_FAILED, NULL);
        return;
    }
    xmlrpc_write_bool(call->out, true);
}

#define READ_HELP(which)                                                                           \
    "Part of " which ". Bytes that are no text are replaced.\n\n"                                  \
    "@param int offset  first byte; negative: that many bytes from the end, with length 0\n"       \
    "@param int length  how many bytes; 0: up to the end\n"                                        \
    "@return string log  what stands there\n"

#define READ_PROCESS_HELP(which)                                                                   \
    "Part of the " which " log of a program. Bytes that are no text are "                          \
    "replaced.\n\n"                                                                                \
    "@param string name  the program, or group:program\n"                                          \
    "@param int offset  first byte; negative: that many bytes from the end, "                      \
    "with length 0\n"                                                                              \
    "@param int length  how many bytes; 0: up to the end\n"                                        \
    "@return string log  what stands there\n"

#define TAIL_PROCESS_HELP(which)                                                                   \
    "The end of the " which " log of a program, and where to go on reading.\n\n"                   \
    "@param string name  the program, or group:program\n"                                          \
    "@param int offset  the size at the last call, or 0\n"                                         \
    "@param int length  how many bytes at most\n"                                                  \
    "@return array result  [string bytes, int size of the log, boolean overflow: "                 \
    "more than length was written since offset]\n"

const struct method log_methods[] = {
    { "readLog", "string,int,int", READ_HELP("the daemon's log"), handle_read_main, 0 },
    { "readMainLog", "string,int,int", READ_HELP("the daemon's log"), handle_read_main, 0 },
    { "clearLog", "boolean",
      "Empty the daemon's log.\n\n@return boolean result  always true unless there is a fault\n",
      handle_clear_log, METHOD_CHANGES },
    { "readProcessStdoutLog", "string,string,int,int", READ_PROCESS_HELP("stdout"),
      handle_read_stdout, 0 },
    { "readProcessLog", "string,string,int,int", READ_PROCESS_HELP("stdout"), handle_read_stdout,
      0 },
    { "readProcessStderrLog", "string,string,int,int", READ_PROCESS_HELP("stderr"),
      handle_read_stderr, 0 },
    { "tailProcessStdoutLog", "array,string,int,int", TAIL_PROCESS_HELP("stdout"),
      handle_tail_stdout, 0 },
    { "tailProcessLog", "array,string,int,int", TAIL_PROCESS_HELP("stdout"), handle_tail_stdout,
      0 },
    { "tailProcessStderrLog", "array,string,int,int", TAIL_PROCESS_HELP("stderr"),
      handle_tail_stderr, 0 },
    { NULL, NULL, NULL, NULL, 0 },
};
