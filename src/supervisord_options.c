/* SPDX-License-Identifier: MIT */
/* supervisord_options.c: the daemon's command line. */
#include "supervisord_options.h"

#include "supervisor/core/buf.h"
#include "supervisor/core/options.h"
#include "supervisor/version.h"

#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

enum option_kind { FLAG, TEXT };

/* One row a setting: how it is spelled, what it fills, what --help says. */
struct daemon_option {
    char letter;
    const char *name;
    enum option_kind kind;
    size_t offset; /* in struct daemon_options: of a bool or a const char pointer */
    const char *argument;
    const char *help;
};

#define IN_OPTIONS(field)   offsetof(struct daemon_options, field)
#define IN_OVERRIDES(field) offsetof(struct daemon_options, overrides.field)

static const struct daemon_option options[] = {
    { 'c', "configuration", TEXT, IN_OPTIONS(config), "FILE", "read this configuration file" },
    { 'n', "nodaemon", FLAG, IN_OVERRIDES(nodaemon), NULL, "stay in the foreground" },
    { 's', "silent", FLAG, IN_OVERRIDES(silent), NULL, "do not copy the log to stdout" },
    { 'h', "help", FLAG, IN_OPTIONS(help), NULL, "show this text and exit" },
    { 'v', "version", FLAG, IN_OPTIONS(version), NULL, "show the version and exit" },
    { 'u', "user", TEXT, IN_OVERRIDES(user), "USER", "run as this user (name or number)" },
    { 'm', "umask", TEXT, IN_OVERRIDES(umask), "UMASK", "umask of the daemon, octal (022)" },
    { 'd', "directory", TEXT, IN_OVERRIDES(directory), "DIR", "directory of the daemon" },
    { 'l', "logfile", TEXT, IN_OVERRIDES(logfile), "FILE", "the daemon's log" },
    { 'y', "logfile_maxbytes", TEXT, IN_OVERRIDES(logfile_maxbytes), "BYTES",
      "size at which the log rotates (50MB)" },
    { 'z', "logfile_backups", TEXT, IN_OVERRIDES(logfile_backups), "N",
      "rotated logs to keep (10)" },
    { 'e', "loglevel", TEXT, IN_OVERRIDES(loglevel), "LEVEL",
      "critical, error, warn, info, debug, trace or blather" },
    { 'j', "pidfile", TEXT, IN_OVERRIDES(pidfile), "FILE", "where the pid is written" },
    { 'i', "identifier", TEXT, IN_OVERRIDES(identifier), "TEXT", "name of this supervisord" },
    { 'q', "childlogdir", TEXT, IN_OVERRIDES(childlogdir), "DIR",
      "home of the programs' automatic logs" },
    { 'k', "nocleanup", FLAG, IN_OVERRIDES(nocleanup), NULL,
      "keep automatic logs of earlier runs" },
    { 'a', "minfds", TEXT, IN_OVERRIDES(minfds), "N", "descriptors needed to start" },
    { 't', "strip_ansi", FLAG, IN_OVERRIDES(strip_ansi), NULL,
      "remove escape sequences from the programs' output" },
    { 0, "minprocs", TEXT, IN_OVERRIDES(minprocs), "N", "processes needed to start" },
    { 0, "profile_options", TEXT, (size_t)-1, "LIST", "accepted and ignored" },
    { 0, "check", FLAG, IN_OPTIONS(check), NULL,
      "check the configuration file, print every finding, and exit (0 or 2)" },
};

enum { N_OPTIONS = sizeof(options) / sizeof(options[0]) };
static_assert(N_OPTIONS - 8 <= DAEMON_VALUES_MAX, "a row each for flags, the rest are values");

static void store(struct daemon_options *o, const struct option_hit *hit)
{
    const struct daemon_option *option = &options[hit->id];
    if (option->offset == (size_t)-1)
        return;
    void *field = (char *)o + option->offset;
    if (option->kind == FLAG) {
        *(bool *)field = true;
        return;
    }
    *(const char **)field = hit->value;
    if (option->offset < offsetof(struct daemon_options, overrides))
        return;
    struct daemon_value *value = &o->values[o->n_values++];
    *value = (struct daemon_value){ .option = option->name, .value = hit->value };
    memcpy(value->spelling, hit->spelling, sizeof(value->spelling));
}

/* "positional arguments are not supported: ['foo', 'bar']" */
static void complain_of_rest(int argc, char *const argv[], int rest, char *ret_error, size_t size)
{
    struct buf text = BUF_LIMITED(1024);
    for (int i = rest; i < argc; i++)
        buf_printf(&text, "%s'%s'", i > rest ? ", " : "", argv[i]);
    (void)snprintf(ret_error, size, "positional arguments are not supported: [%s]",
                   buf_text(&text));
    buf_free(&text);
}

int daemon_options_parse(int argc, char *const argv[], struct daemon_options *ret_options,
                         char *ret_error, size_t size)
{
    struct option_row rows[N_OPTIONS + 1];
    for (int i = 0; i < N_OPTIONS; i++) {
        rows[i] =
            (struct option_row){ options[i].letter, options[i].name, options[i].kind == TEXT, i };
        if (options[i].letter == 'h')
            rows[N_OPTIONS] = (struct option_row){ '?', NULL, false, i };
    }
    struct option_hit hits[OPTIONS_MAX];
    size_t n = 0;
    int rest = argc;
    int r = options_scan(argc, argv, rows, N_OPTIONS + 1, hits, &n, &rest, ret_error, size);
    if (r < 0)
        return r;

    struct daemon_options o = { .program = argv[0] };
    for (size_t i = 0; i < n; i++) {
        if (options_conflict(hits, i, ret_error, size))
            return -EINVAL;
        store(&o, &hits[i]);
        if (o.help || o.version)
            break; /* as far as these, all was well: they win over what follows */
    }
    if (rest < argc && !o.help && !o.version) {
        complain_of_rest(argc, argv, rest, ret_error, size);
        return -EINVAL;
    }
    *ret_options = o;
    return 0;
}

void daemon_options_help(const char *program)
{
    printf("supervisord -- run a set of applications as daemons.\n\nUsage: %s [options]\n\n"
           "Options:\n",
           program);
    for (int i = 0; i < N_OPTIONS; i++) {
        const struct daemon_option *o = &options[i];
        char spelled[64];
        (void)snprintf(spelled, sizeof(spelled), "%s%.1s%s--%s%s%s", o->letter ? "-" : "",
                       o->letter ? &o->letter : "", o->letter ? "/" : "", o->name,
                       o->argument ? " " : "", o->argument ? o->argument : "");
        printf("%s -- %s\n", spelled, o->help);
    }
    /* --version must stay what scripts parse: the reference's. */
    printf("\nSupervisor in C %s, behaves like Supervisor %s.\n", SUPERVISOR_C_VERSION,
           SUPERVISOR_VERSION);
}
