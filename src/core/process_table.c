/* SPDX-License-Identifier: MIT */
/* process_table.c: the active groups, and how names find them. */
#include "supervisor/core/process_table.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

struct process_table process_table;

static struct {
    struct process **processes; /* NULL: to be made anew */
    size_t n;
} sorted;

static void forget_sorted(void)
{
    free(sorted.processes);
    sorted.processes = NULL;
    sorted.n = 0;
}

void process_table_changed(void)
{
    forget_sorted();
}

int process_table_add(struct group *group)
{
    size_t n = process_table.n_groups;
    struct group **groups = realloc(process_table.groups, (n + 1) * sizeof(struct group *));
    if (!groups)
        return -ENOMEM;
    groups[n] = group;
    process_table.groups = groups;
    process_table.n_groups = n + 1;
    forget_sorted();
    return 0;
}

void process_table_remove(struct group *group)
{
    size_t kept = 0;
    for (size_t i = 0; i < process_table.n_groups; i++) {
        if (process_table.groups[i] != group)
            process_table.groups[kept++] = process_table.groups[i];
    }
    process_table.n_groups = kept;
    if (kept == 0) {
        free(process_table.groups);
        process_table.groups = NULL;
    }
    forget_sorted();
}

/* ---- names ---- */

static struct group *find_group_n(const char *name, size_t len)
{
    for (size_t i = 0; i < process_table.n_groups; i++) {
        const char *candidate = process_table.groups[i]->config->name;
        if (strncmp(candidate, name, len) == 0 && candidate[len] == '\0')
            return process_table.groups[i];
    }
    return NULL;
}

struct group *process_table_find_group(const char *name)
{
    return find_group_n(name, strlen(name));
}

int process_table_resolve(const char *spec, struct group **ret_group, struct process **ret_process)
{
    const char *colon = strchr(spec, ':');
    size_t group_len = colon ? (size_t)(colon - spec) : strlen(spec);
    const char *name = colon ? colon + 1 : spec;
    struct group *group = find_group_n(spec, group_len);
    if (!group)
        return -ENOENT;
    if (colon && (name[0] == '\0' || strcmp(name, "*") == 0)) {
        *ret_group = group;
        *ret_process = NULL;
        return 0;
    }
    for (size_t i = 0; i < group->n_processes; i++) {
        if (strcmp(group->processes[i]->config->name, name) == 0) {
            *ret_group = group;
            *ret_process = group->processes[i];
            return 0;
        }
    }
    return -ENOENT;
}

/* ---- orders ---- */

static int compare_names(const void *a, const void *b)
{
    const struct process *left = *(struct process *const *)a;
    const struct process *right = *(struct process *const *)b;
    int order = strcmp(left->group_config->name, right->group_config->name);
    return order ? order : strcmp(left->config->name, right->config->name);
}

static size_t count_processes(void)
{
    size_t n = 0;
    for (size_t i = 0; i < process_table.n_groups; i++)
        n += process_table.groups[i]->n_processes;
    return n;
}

struct process **process_table_sorted(size_t *ret_n)
{
    if (!sorted.processes) {
        size_t n = count_processes();
        sorted.processes = malloc((n + 1) * sizeof(struct process *));
        if (!sorted.processes) {
            *ret_n = 0;
            return NULL;
        }
        sorted.n = 0;
        for (size_t i = 0; i < process_table.n_groups; i++) {
            const struct group *group = process_table.groups[i];
            for (size_t j = 0; j < group->n_processes; j++)
                sorted.processes[sorted.n++] = group->processes[j];
        }
        qsort(sorted.processes, sorted.n, sizeof(struct process *), compare_names);
    }
    *ret_n = sorted.n;
    return sorted.processes;
}

struct group **process_table_by_priority(size_t *ret_n)
{
    size_t n = process_table.n_groups;
    struct group **groups = malloc((n + 1) * sizeof(struct group *));
    if (!groups)
        return NULL;
    for (size_t i = 0; i < n; i++) { /* insertion: stable, and nearly sorted already */
        struct group *group = process_table.groups[i];
        size_t at = i;
        for (; at > 0 && groups[at - 1]->config->priority > group->config->priority; at--)
            groups[at] = groups[at - 1];
        groups[at] = group;
    }
    *ret_n = n;
    return groups;
}
