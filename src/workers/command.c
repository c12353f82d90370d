/* SPDX-License-Identifier: MIT */
/* command.c: splits a command and finds its file. */
#include "supervisor/workers/command.h"

#include "supervisor/core/buf.h"
#include "supervisor/core/cleanup.h"
#include "supervisor/core/datatypes.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define DEFAULT_PATH "/bin:/usr/bin:/usr/local/bin"

/* "can't find command 'x'": before, the quoted subject, after. */
static void describe(char *ret_text, size_t size, const char *before, const char *subject,
                     const char *after)
{
    struct buf quoted = BUF_INIT;
    text_repr(&quoted, subject);
    (void)snprintf(ret_text, size, "%s%s%s", before, buf_text(&quoted), after);
    buf_free(&quoted);
}

static enum command_error split(const char *text, char ***ret_argv, char *ret_text, size_t size)
{
    struct buf why = BUF_INIT;
    int r = shell_words_split(text, ret_argv, &why);
    enum command_error result = COMMAND_OK;
    if (r == -EINVAL) {
        char after[128];
        (void)snprintf(after, sizeof(after), ": %s", buf_text(&why));
        describe(ret_text, size, "can't parse command ", text, after);
        result = COMMAND_NOT_EXECUTABLE;
    } else if (r < 0) {
        (void)snprintf(ret_text, size, "out of memory");
        result = COMMAND_NO_MEMORY;
    } else if (!(*ret_argv)[0]) {
        (void)snprintf(ret_text, size, "command is empty");
        text_list_free(*ret_argv);
        *ret_argv = NULL;
        result = COMMAND_NOT_EXECUTABLE;
    }
    buf_free(&why);
    return result;
}

static const char *search_path(const struct process_config *config)
{
    const char *path = env_list_get(&config->environment, "PATH");
    if (path)
        return path;
    path = getenv("PATH");
    return path && path[0] ? path : DEFAULT_PATH;
}

/* The first that exists wins, even if it cannot be run. NULL with *ret_memory set: no memory. */
static char *search(const char *dirs, const char *name, struct stat *ret_stat, bool *ret_memory)
{
    *ret_memory = false;
    for (;;) {
        size_t len = strcspn(dirs, ":");
        char *path = NULL;
        const char *slash = len > 0 && dirs[len - 1] != '/' ? "/" : "";
        if (asprintf(&path, "%.*s%s%s", (int)len, dirs, slash, name) < 0) {
            *ret_memory = true;
            return NULL;
        }
        if (stat(path, ret_stat) == 0)
            return path;
        free(path);
        if (dirs[len] == '\0')
            return NULL;
        dirs += len + 1;
    }
}

static enum command_error look_up(const struct process_config *config, const char *word,
                                  char **ret_path, char *ret_text, size_t size)
{
    struct stat st;
    bool no_memory = false;
    CLEANUP_FREE char *path = NULL;
    if (!strchr(word, '/')) {
        path = search(search_path(config), word, &st, &no_memory);
    } else if (stat(word, &st) == 0) {
        path = strdup(word);
        no_memory = !path;
    }
    if (no_memory) {
        (void)snprintf(ret_text, size, "out of memory");
        return COMMAND_NO_MEMORY;
    }
    if (!path) {
        describe(ret_text, size, "can't find command ", word, "");
        return COMMAND_NOT_FOUND;
    }
    if (S_ISDIR(st.st_mode)) {
        describe(ret_text, size, "command at ", path, " is a directory");
        return COMMAND_NOT_EXECUTABLE;
    }
    if (!(st.st_mode & (S_IXUSR | S_IXGRP | S_IXOTH))) {
        describe(ret_text, size, "command at ", path, " is not executable");
        return COMMAND_NOT_EXECUTABLE;
    }
    if (access(path, X_OK) < 0) {
        describe(ret_text, size, "no permission to run command ", path, "");
        return COMMAND_NOT_EXECUTABLE;
    }
    *ret_path = take_ptr(&path);
    return COMMAND_OK;
}

enum command_error command_resolve(const struct process_config *config, struct command *ret_command,
                                   char *ret_text, size_t size)
{
    struct command command = { 0 };
    enum command_error error = split(config->command, &command.argv, ret_text, size);
    if (error == COMMAND_OK)
        error = look_up(config, command.argv[0], &command.path, ret_text, size);
    if (error != COMMAND_OK) {
        command_free(&command);
        return error;
    }
    *ret_command = command;
    return COMMAND_OK;
}

void command_free(struct command *command)
{
    text_list_free(command->argv);
    free(command->path);
    *command = (struct command){ 0 };
}
