/* SPDX-License-Identifier: MIT */
/* child_env.c: builds the environment of a child. */
#include "child_env.h"

#include "supervisor/core/buf.h"
#include "supervisor/core/cleanup.h"
#include "supervisor/core/datatypes.h"
#include "supervisor/core/env_file.h"

#include "spawn_child.h"

#include <errno.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static int add_inherited(struct env_list *env)
{
    for (char **entry = environ; entry && *entry; entry++) {
        const char *equals = strchr(*entry, '=');
        if (!equals)
            continue;
        char *name = strndup(*entry, (size_t)(equals - *entry));
        int r = name ? env_list_set(env, name, equals + 1) : -ENOMEM;
        free(name);
        if (r < 0)
            return r;
    }
    return 0;
}

static int add_supervisor(struct env_list *env, const struct process *p)
{
    int r = env_list_set(env, "SUPERVISOR_ENABLED", "1");
    if (r == 0 && p->config->serverurl && p->config->serverurl[0])
        r = env_list_set(env, "SUPERVISOR_SERVER_URL", p->config->serverurl);
    if (r == 0)
        r = env_list_set(env, "SUPERVISOR_PROCESS_NAME", p->config->name);
    if (r == 0)
        r = env_list_set(env, "SUPERVISOR_GROUP_NAME", p->group_config->name);
    return r;
}

/* user_environment: what a login would set. An unknown user fails later, at the switch. */
static int add_user(struct env_list *env, const struct process_config *config)
{
    struct passwd entry;
    CLEANUP_FREE char *buffer = NULL;
    if (!config->user_environment || !config->user)
        return 0;
    if (spawn_find_user(config->uid, &entry, &buffer) < 0)
        return 0;
    int r = env_list_set(env, "HOME", entry.pw_dir);
    if (r == 0)
        r = env_list_set(env, "USER", entry.pw_name);
    if (r == 0)
        r = env_list_set(env, "LOGNAME", entry.pw_name);
    if (r == 0)
        r = env_list_set(env, "SHELL", entry.pw_shell[0] ? entry.pw_shell : "/bin/sh");
    return r;
}

static int add_files(struct env_list *env, const struct env_file_list *list, char *ret_text,
                     size_t size)
{
    struct buf error = BUF_LIMITED(PROCESS_SPAWNERR_MAX);
    int r = env_files_read(list, env, &error);
    if (r < 0)
        (void)snprintf(ret_text, size, "%s", r == -ENOMEM ? "out of memory" : buf_text(&error));
    buf_free(&error);
    return r;
}

static char **flatten(const struct env_list *env)
{
    char **envp = calloc(env->n + 1, sizeof(char *));
    if (!envp)
        return NULL;
    for (size_t i = 0; i < env->n; i++) {
        if (asprintf(&envp[i], "%s=%s", env->vars[i].name, env->vars[i].value) < 0) {
            envp[i] = NULL;
            child_env_free(envp);
            return NULL;
        }
    }
    return envp;
}

int child_env_make(const struct process *p, char ***ret_envp, char *ret_text, size_t size)
{
    struct env_list env = { 0 };
    int r = add_inherited(&env);
    if (r == 0)
        r = add_user(&env, p->config);
    if (r == 0)
        r = add_supervisor(&env, p);
    if (r == 0)
        r = add_files(&env, &p->config->environment_files, ret_text, size);
    if (r == 0)
        r = env_list_merge(&env, &p->config->environment);
    char **envp = r == 0 ? flatten(&env) : NULL;
    env_list_free(&env);
    if (!envp && (r == 0 || r == -ENOMEM)) {
        (void)snprintf(ret_text, size, "out of memory");
        return -ENOMEM;
    }
    if (!envp)
        return r; /* a file that is wrong; the text says how */
    *ret_envp = envp;
    return 0;
}

void child_env_free(char **envp)
{
    if (!envp)
        return;
    for (char **entry = envp; *entry; entry++)
        free(*entry);
    free(envp);
}
