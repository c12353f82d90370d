/* SPDX-License-Identifier: MIT */
/* fuzz_config.c: any bytes as the whole configuration file, for the daemon and for the client.
 *
 * What must hold: a file that is refused has a sentence and at least one problem, whose place can
 * be told; a file that is read differs in nothing from itself, and its groups are found by name.
 */
#include "supervisor/core/config.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_problems(struct config_problems *problems)
{
    if (!problems->sentence || problems->n == 0)
        abort();
    for (size_t i = 0; i < problems->n; i++) {
        char *text = config_problem_text(&problems->list[i]);
        if (!text || !problems->list[i].file)
            abort();
        free(text);
    }
    config_problems_free(problems);
}

static void check_config(struct config *config)
{
    for (size_t i = 0; i < config->n_groups; i++) {
        struct group_config *group = config->groups[i];
        char *why = NULL;
        if (config_find_group(config, group->name) != group)
            abort();
        if (group_config_differs(group, group, &why))
            abort();
        free(why);
    }
    config_free(config);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    /* Includes would make what happens depend on the machine. */
    if (memmem(data, size, "nclude", 6))
        return 0;
    int fd = memfd_create("supervisord.conf", MFD_CLOEXEC);
    char path[64];
    struct config *config = NULL;
    struct config_problems problems = { 0 };
    struct client_config *client = NULL;
    char *error = NULL;
    if (fd < 0 || write(fd, data, size) != (ssize_t)size)
        abort();
    (void)snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
    if (config_read(path, NULL, &config, &problems) < 0)
        check_problems(&problems);
    else
        check_config(config);
    if (client_config_load(path, &client, &error) < 0) {
        if (!error)
            abort();
        free(error);
    } else {
        client_config_free(client);
    }
    (void)close(fd);
    return 0;
}
