/* SPDX-License-Identifier: MIT */
/* autolog.c: the log files that AUTO means. */
#include "supervisor/core/autolog.h"

#include "supervisor/core/cleanup.h"
#include "supervisor/core/log.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>
#include <sys/stat.h>

enum { AUTOLOG_RANDOM = 8, AUTOLOG_TRIES = 16 };

static int random_name(char text[AUTOLOG_RANDOM + 1])
{
    static const char letters[] = "abcdefghijklmnopqrstuvwxyz0123456789_";
    unsigned char bytes[AUTOLOG_RANDOM];
    if (getrandom(bytes, sizeof(bytes), 0) != (ssize_t)sizeof(bytes))
        return -EIO;
    for (size_t i = 0; i < AUTOLOG_RANDOM; i++)
        text[i] = letters[bytes[i] % (sizeof(letters) - 1)];
    text[AUTOLOG_RANDOM] = '\0';
    return 0;
}

int autolog_create(const char *dir, const char *name, enum channel channel, const char *identifier,
                   char **ret_path)
{
    for (unsigned i = 0; i < AUTOLOG_TRIES; i++) {
        char unique[AUTOLOG_RANDOM + 1];
        int r = random_name(unique);
        if (r < 0)
            return r;
        CLEANUP_FREE char *path = NULL;
        if (asprintf(&path, "%s/%s-%s---%s-%s.log", dir, name, channel_name(channel), identifier,
                     unique) < 0) {
            path = NULL;
            return -ENOMEM;
        }
        CLEANUP_CLOSE int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
        if (fd >= 0) {
            *ret_path = take_ptr(&path);
            return 0;
        }
        if (errno != EEXIST)
            return -errno;
    }
    return -EEXIST;
}

void autolog_remove(const char *path, unsigned backups)
{
    (void)unlink(path); /* gone already is as good */
    for (unsigned i = 1; i <= backups; i++) {
        CLEANUP_FREE char *rotated = NULL;
        if (asprintf(&rotated, "%s.%u", path, i) < 0) {
            rotated = NULL;
            return;
        }
        CLEANUP_FREE char *packed = NULL;
        if (asprintf(&packed, "%s.gz", rotated) < 0) {
            packed = NULL;
            return;
        }
        bool plain_gone = unlink(rotated) < 0 && errno == ENOENT;
        if (unlink(packed) < 0 && errno == ENOENT && plain_gone)
            return; /* backups are numbered without gaps */
    }
}

/* ".log", ".log.N" or ".log.N.gz" and nothing behind it. */
static bool is_log_ending(const char *text)
{
    if (strncmp(text, ".log", 4) != 0)
        return false;
    text += 4;
    if (*text == '\0')
        return true;
    if (*text++ != '.' || !isdigit((unsigned char)*text))
        return false;
    while (isdigit((unsigned char)*text))
        text++;
    return *text == '\0' || strcmp(text, ".gz") == 0;
}

bool autolog_is_ours(const char *file, const char *identifier)
{
    CLEANUP_FREE char *mark = NULL;
    if (asprintf(&mark, "---%s-", identifier) < 0) {
        mark = NULL;
        return false;
    }
    const char *found = strstr(file, mark);
    if (!found || found == file)
        return false;
    const char *unique = found + strlen(mark);
    size_t len = strcspn(unique, ". \t");
    return len > 0 && is_log_ending(unique + len);
}

void autolog_clean(const char *dir, const char *identifier)
{
    DIR *d = opendir(dir);
    if (!d) {
        log_warn("Could not clear childlog dir");
        return;
    }
    for (const struct dirent *e = readdir(d); e; e = readdir(d)) {
        if (!autolog_is_ours(e->d_name, identifier))
            continue;
        if (unlinkat(dirfd(d), e->d_name, 0) < 0)
            log_warn("Failed to clean up '%s/%s'", dir, e->d_name);
    }
    (void)closedir(d); /* was only read */
}
