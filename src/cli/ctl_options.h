/* SPDX-License-Identifier: MIT */
/* ctl_options.h: the client's command line and its section of the configuration file. */
#ifndef SUPERVISOR_CLI_CTL_OPTIONS_H
#define SUPERVISOR_CLI_CTL_OPTIONS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct ctl_options {
    const char *program; /* argv[0] */
    const char *config;  /* -c; NULL: searched for; "": none */
    const char *serverurl, *username, *password, *history_file;
    bool help, interactive, json, no_wait;
    uint64_t timeout_ms; /* 0: none */
    int rest;            /* index of the first argument */
};

/* Returns 0; -EINVAL with one sentence in ret_error. Strings are argv's. */
int ctl_options_parse(int argc, char *const argv[], struct ctl_options *ret_options,
                      char *ret_error, size_t size);

/* What -h prints. */
void ctl_options_help(const char *program);

/* "2.5" or "30": seconds, as milliseconds. -EINVAL otherwise. */
int ctl_parse_seconds(const char *text, uint64_t *ret_ms);

/* The command line over the file over the defaults. */
struct ctl_settings {
    struct ctl_options options;
    char *config_path; /* of the file read; NULL: none */
    char *tried;       /* where one was looked for; NULL: -c was given */
    char *serverurl;
    const char *url_origin; /* "-s", "the configuration file", "the default" */
    char *username, *password;
    char *prompt;
    char *history_file; /* NULL: none */
};

/* Returns 0; -EINVAL with *ret_error a sentence to free (NULL: out of memory). Warns on stderr
 * of what the file asks for and we cannot do. */
int ctl_settings_load(const struct ctl_options *options, struct ctl_settings *ret_settings,
                      char **ret_error);
void ctl_settings_free(struct ctl_settings *settings);

#endif
