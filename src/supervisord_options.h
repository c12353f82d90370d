/* SPDX-License-Identifier: MIT */
/* supervisord_options.h: the daemon's command line. */
#ifndef SUPERVISORD_OPTIONS_H
#define SUPERVISORD_OPTIONS_H

#include "supervisor/core/config.h"

/* A value given on the command line, to be checked by the option's own type. */
struct daemon_value {
    const char *option; /* key in [supervisord] */
    char spelling[40];  /* "-m" */
    const char *value;
};

#define DAEMON_VALUES_MAX 16

struct daemon_options {
    const char *program; /* argv[0] */
    const char *config;  /* -c; NULL: search */
    bool help;
    bool version;
    bool check; /* --check: say what is wrong with the file, and leave */
    struct config_overrides overrides;
    struct daemon_value values[DAEMON_VALUES_MAX]; /* those of the overrides, as typed */
    size_t n_values;
};

/* 0, or -EINVAL with one sentence in ret_error (size bytes). */
int daemon_options_parse(int argc, char *const argv[], struct daemon_options *ret_options,
                         char *ret_error, size_t size);

/* The text of --help, to stdout. */
void daemon_options_help(const char *program);

#endif
