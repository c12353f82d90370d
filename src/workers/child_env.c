/* SPDX-License-Identifier: MIT */
/* child_env.c: builds the environment of a child. */
#include "child_env.h"

#include "supervisor/core/datatypes.h"

#include <errno.h>
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
        r = add_supervisor(&env, p);
    if (r == 0)
        r = env_list_merge(&env, &p->config->environment);
    char **envp = r == 0 ? flatten(&env) : NULL;
    env_list_free(&env);
    if (!envp) {
        (void)snprintf(ret_text, size, "out of memory");
        return -ENOMEM;
    }
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
