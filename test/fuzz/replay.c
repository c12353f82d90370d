/* SPDX-License-Identifier: MIT */
/* replay.c: runs a fuzz target on the files of its kept corpus, in builds without libFuzzer. */
#include <dirent.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static int replay(const char *path)
{
    FILE *f = fopen(path, "rbe");
    if (!f)
        return -1;
    uint8_t *data = malloc(1 << 20);
    size_t size = data ? fread(data, 1, 1 << 20, f) : 0;
    (void)fclose(f); /* was only read */
    if (!data)
        return -1;
    (void)LLVMFuzzerTestOneInput(data, size); /* it crashes or it does not */
    free(data);
    return 0;
}

int main(int argc, char *argv[])
{
    DIR *dir = argc == 2 ? opendir(argv[1]) : NULL;
    if (!dir) {
        fprintf(stderr, "replay: cannot read the corpus %s\n", argc == 2 ? argv[1] : "");
        return 1;
    }
    unsigned n = 0;
    for (const struct dirent *e = readdir(dir); e; e = readdir(dir)) {
        char path[4096];
        if (e->d_name[0] == '.')
            continue;
        (void)snprintf(path, sizeof(path), "%s/%s", argv[1], e->d_name);
        if (replay(path) < 0) {
            perror(path);
            return 1;
        }
        n++;
    }
    (void)closedir(dir); /* was only read */
    printf("%u inputs replayed\n", n);
    return n > 0 ? 0 : 1;
}
