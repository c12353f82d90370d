/* SPDX-License-Identifier: MIT */
/* crew_reread.c: reads the file again and says what differs from what runs. */
#include "crew_priv.h"

#include "supervisor/core/cleanup.h"
#include "supervisor/core/event.h"
#include "supervisor/core/log.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void free_list(char **list, size_t n)
{
    for (size_t i = 0; list && i < n; i++)
        free(list[i]);
    free(list);
}

void crew_diff_free(struct crew_diff *diff)
{
    free_list(diff->added, diff->n_added);
    free_list(diff->changed, diff->n_changed);
    free_list(diff->why, diff->n_changed);
    free_list(diff->removed, diff->n_removed);
    *diff = (struct crew_diff){ 0 };
}

static int append(char **list, size_t *n, const char *name)
{
    list[*n] = strdup(name);
    if (!list[*n])
        return -ENOMEM;
    (*n)++;
    return 0;
}

static char *join_why(const char *name, const char *what)
{
    char *why = NULL;
    return asprintf(&why, "%s: %s", name, what) < 0 ? NULL : why;
}

/* An update may have given single processes what was read: each is compared as it runs. */
bool crew_group_differs(const struct group *group, const struct group_config *read, char **ret_why)
{
    const char *what = NULL;
    *ret_why = NULL;
    if (group_config_compare(group->config, read, &what) == CONFIG_SAME &&
        group->n_processes != read->n_processes)
        what = "the number of processes";
    if (what) {
        *ret_why = strdup(what);
        return true;
    }
    for (size_t i = 0; i < read->n_processes; i++) {
        const struct process_config *runs = group->processes[i]->config,
                                    *wanted = &read->processes[i];
        CLEANUP_FREE char *options = NULL;
        if (strcmp(runs->name, wanted->name) != 0)
            what = "the name";
        else if (process_config_compare(runs, wanted, &options) != CONFIG_SAME)
            what = options ? options : "";
        if (!what)
            continue;
        *ret_why = join_why(wanted->name, what);
        return true;
    }
    return false;
}

static int compare_group(const struct group_config *read, struct crew_diff *diff)
{
    const struct group *running = process_table_find_group(read->name);
    if (!running)
        return append(diff->added, &diff->n_added, read->name);
    char *why = NULL;
    if (!crew_group_differs(running, read, &why))
        return 0;
    diff->why[diff->n_changed] = why;
    return append(diff->changed, &diff->n_changed, read->name);
}

static int compare(const struct config *read, struct crew_diff *diff)
{
    size_t n = read->n_groups + process_table.n_groups + 1;
    diff->added = calloc(n, sizeof(char *));
    diff->changed = calloc(n, sizeof(char *));
    diff->why = calloc(n, sizeof(char *));
    diff->removed = calloc(n, sizeof(char *));
    if (!diff->added || !diff->changed || !diff->why || !diff->removed)
        return -ENOMEM;
    int r = 0;
    for (size_t i = 0; r == 0 && i < read->n_groups; i++)
        r = compare_group(read->groups[i], diff);
    for (size_t i = 0; r == 0 && i < process_table.n_groups; i++) {
        const char *name = process_table.groups[i]->config->name;
        if (!config_find_group(read, name))
            r = append(diff->removed, &diff->n_removed, name);
    }
    return r;
}

int crew_read(struct config **ret_config, char **ret_error)
{
    *ret_error = NULL;
    return config_load(crew.config->path, crew.overrides, ret_config, ret_error);
}

void crew_keep(struct config *config)
{
    for (size_t i = 0; i < config->n_warnings; i++)
        log_warn("%s", config->warnings[i]);
    if (bus_set_identifier(config->identifier) < 0)
        log_crit("no memory for the identifier of events");
    if (crew.config != crew.boot_config)
        config_free(crew.config);
    crew.config = config;
}

static int read_and_compare(struct config **ret_config, struct crew_diff *ret_diff,
                            char **ret_error)
{
    struct config *config = NULL;
    struct crew_diff diff = { 0 };
    int r = crew_read(&config, ret_error);
    if (r < 0)
        return r;
    r = compare(config, &diff);
    if (r < 0) {
        crew_diff_free(&diff);
        config_free(config);
        *ret_error = strdup(strerror(-r));
        return r;
    }
    *ret_config = config;
    *ret_diff = diff;
    return 0;
}

int crew_reread(struct crew_diff *ret_diff, char **ret_error)
{
    struct config *config = NULL;
    int r = read_and_compare(&config, ret_diff, ret_error);
    if (r == 0)
        crew_keep(config);
    return r;
}

int crew_preview(struct crew_diff *ret_diff, char **ret_error)
{
    struct config *config = NULL;
    int r = read_and_compare(&config, ret_diff, ret_error);
    if (r == 0)
        config_free(config);
    return r;
}
