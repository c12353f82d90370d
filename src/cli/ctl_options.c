/* SPDX-License-Identifier: MIT */
/* ctl_options.c: the client's command line. */
#include "ctl_options.h"
#include "url.h"

#include "supervisor/core/options.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum option_id {
    OPTION_CONFIGURATION,
    OPTION_HELP,
    OPTION_INTERACTIVE,
    OPTION_SERVERURL,
    OPTION_USERNAME,
    OPTION_PASSWORD,
    OPTION_HISTORY_FILE,
    OPTION_JSON,
    OPTION_NO_WAIT,
    OPTION_TIMEOUT,
};

static const struct option_row rows[] = {
    { 'c', "configuration", true, OPTION_CONFIGURATION },
    { 'h', "help", false, OPTION_HELP },
    { '?', NULL, false, OPTION_HELP },
    { 'i', "interactive", false, OPTION_INTERACTIVE },
    { 's', "serverurl", true, OPTION_SERVERURL },
    { 'u', "username", true, OPTION_USERNAME },
    { 'p', "password", true, OPTION_PASSWORD },
    { 'r', "history_file", true, OPTION_HISTORY_FILE },
    { 0, "history-file", true, OPTION_HISTORY_FILE },
    { 0, "json", false, OPTION_JSON },
    { 0, "no-wait", false, OPTION_NO_WAIT },
    { 0, "timeout", true, OPTION_TIMEOUT },
};

int ctl_parse_seconds(const char *text, uint64_t *ret_ms)
{
    enum { SECONDS_MAX = 100000000, MS_PER_SEC = 1000 };
    char *end;
    if (!isdigit((unsigned char)*text))
        return -EINVAL;
    errno = 0;
    double seconds = strtod(text, &end);
    if (errno || *end || !(seconds <= SECONDS_MAX))
        return -EINVAL;
    uint64_t ms = (uint64_t)(seconds * MS_PER_SEC);
    *ret_ms = ms ? ms : 1;
    return 0;
}

static int store(struct ctl_options *o, const struct option_hit *hit, char *ret_error, size_t size)
{
    switch ((enum option_id)hit->id) {
    case OPTION_CONFIGURATION:
        o->config = hit->value;
        break;
    case OPTION_HELP:
        o->help = true;
        break;
    case OPTION_INTERACTIVE:
        o->interactive = true;
        break;
    case OPTION_SERVERURL:
        if (!url_is_plausible(hit->value)) {
            (void)snprintf(ret_error, size, "invalid value for %s '%s': value '%s' is not a URL",
                           hit->spelling, hit->value, hit->value);
            return -EINVAL;
        }
        o->serverurl = hit->value;
        break;
    case OPTION_USERNAME:
        o->username = hit->value;
        break;
    case OPTION_PASSWORD:
        o->password = hit->value;
        break;
    case OPTION_HISTORY_FILE:
        o->history_file = hit->value;
        break;
    case OPTION_JSON:
        o->json = true;
        break;
    case OPTION_NO_WAIT:
        o->no_wait = true;
        break;
    case OPTION_TIMEOUT:
        if (ctl_parse_seconds(hit->value, &o->timeout_ms) < 0) {
            (void)snprintf(ret_error, size, "invalid value for %s '%s': not a number of seconds",
                           hit->spelling, hit->value);
            return -EINVAL;
        }
        break;
    }
    return 0;
}

int ctl_options_parse(int argc, char *const argv[], struct ctl_options *ret_options,
                      char *ret_error, size_t size)
{
    struct option_hit hits[OPTIONS_MAX];
    size_t n = 0;
    int rest = argc;
    int r = options_scan(argc, argv, rows, sizeof(rows) / sizeof(rows[0]), hits, &n, &rest,
                         ret_error, size);
    if (r < 0)
        return r;
    struct ctl_options o = { .program = argv[0], .rest = rest };
    for (size_t i = 0; i < n && !o.help; i++) { /* help wins over what follows it */
        if (options_conflict(hits, i, ret_error, size))
            return -EINVAL;
        r = store(&o, &hits[i], ret_error, size);
        if (r < 0)
            return r;
    }
    *ret_options = o;
    return 0;
}

void ctl_options_help(const char *program)
{
    printf("supervisorctl -- look at and steer the programs that supervisord runs.\n"
           "\n"
           "Usage: %s [options] [action [arguments]]\n"
           "\n"
           "Options:\n"
           "-c/--configuration FILE -- read this configuration file (else it is searched for)\n"
           "-h/--help -- show this text and exit\n"
           "-i/--interactive -- ask before what cannot be undone, and for credentials\n"
           "-s/--serverurl URL -- where supervisord listens\n"
           "     (default \"http://localhost:9001\"; unix:///path/to/socket for a socket file)\n"
           "-u/--username NAME -- user name for the server\n"
           "-p/--password TEXT -- password for the server\n"
           "-r/--history_file FILE -- keep the shell's history in this file\n"
           "--json -- status, avail, reread, update, pid and version answer in JSON\n"
           "--no-wait -- start, stop and restart do not wait until it is done\n"
           "--timeout SECS -- give up waiting for the server after this time\n"
           "\n"
           "action [arguments] -- a command, as typed at the prompt; \"help\" lists them.\n"
           "\n"
           "Without an action, and with none only, a shell is started that reads commands.\n"
           "--json, --no-wait and --timeout may stand behind the action as well; so may\n"
           "status --watch, status -v NAME, tail -n LINES NAME, update --dry-run.\n"
           "Further commands: logs, wait.\n"
           "\n",
           program);
}
