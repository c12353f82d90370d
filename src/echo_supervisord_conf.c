/* SPDX-License-Identifier: MIT */
/* echo_supervisord_conf.c: prints a sample configuration with every option there is.
 *
 * It is made from the schema, so it cannot miss one. With --man-tables the same rows come out
 * as a part of a manual page.
 */
#include "supervisor/core/schema.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define HELP_COLUMN 45

/* What the sample says where the default will not do, and what it really sets. */
static const struct {
    enum schema_table table;
    const char *option;
    const char *value;
    bool active;
} samples[] = {
    { SCHEMA_UNIX_SERVER, "file", "/tmp/supervisor.sock", true },
    { SCHEMA_INET_SERVER, "port", "127.0.0.1:9001", false },
    { SCHEMA_SUPERVISORD, "logfile", "/tmp/supervisord.log", true },
    { SCHEMA_SUPERVISORD, "pidfile", "/tmp/supervisord.pid", true },
    { SCHEMA_SUPERVISORD, "environment", "KEY=\"value\"", false },
    { SCHEMA_RPCINTERFACE, "supervisor.rpcinterface_factory",
      "supervisor.rpcinterface:make_main_rpcinterface", true },
    { SCHEMA_SUPERVISORCTL, "serverurl", "unix:///tmp/supervisor.sock", true },
    { SCHEMA_PROGRAM, "command", "/bin/cat", false },
    { SCHEMA_PROGRAM, "environment", "A=\"1\",B=\"2\"", false },
    { SCHEMA_EVENTLISTENER, "events", "EVENT", false },
    { SCHEMA_FCGI, "socket", "unix:///var/run/%(program_name)s.sock", false },
    { SCHEMA_GROUP, "programs", "progname1,progname2", false },
    { SCHEMA_INCLUDE, "files", "relative/directory/*.ini", false },
    { SCHEMA_NOTIFY, "events", "PROCESS_STATE_FATAL", false },
    { SCHEMA_NOTIFY, "command", "/usr/local/bin/tell-me", false },
};

/* The sections of the sample in the order of the page; titles as a user would choose them. */
static const struct {
    enum schema_table table;
    const char *title;
    bool active;
} layout[] = {
    { SCHEMA_UNIX_SERVER, NULL, true },
    { SCHEMA_INET_SERVER, NULL, false },
    { SCHEMA_SUPERVISORD, NULL, true },
    { SCHEMA_RPCINTERFACE, "supervisor", true },
    { SCHEMA_SUPERVISORCTL, NULL, true },
    { SCHEMA_PROGRAM, "theprogramname", false },
    { SCHEMA_EVENTLISTENER, "theeventlistenername", false },
    { SCHEMA_FCGI, "thefcgiprogramname", false },
    { SCHEMA_GROUP, "thegroupname", false },
    { SCHEMA_NOTIFY, "thenotifyname", false },
    { SCHEMA_INCLUDE, NULL, false },
};

#define COUNT(array) (sizeof(array) / sizeof(*(array)))

static const char *sample_value(enum schema_table table, const struct schema_option *option,
                                bool *ret_active)
{
    *ret_active = false;
    for (size_t i = 0; i < COUNT(samples); i++) {
        if (samples[i].table != table || strcmp(samples[i].option, option->name) != 0)
            continue;
        *ret_active = samples[i].active;
        return samples[i].value;
    }
    return option->fallback ? option->fallback : "";
}

static void print_sample_option(enum schema_table table, const struct schema_option *option)
{
    bool active;
    const char *value = sample_value(table, option, &active);
    int used = printf("%s%s=%s", active ? "" : ";", option->name, value);
    int gap = used < HELP_COLUMN ? HELP_COLUMN - used : 1;
    printf("%*s; %s\n", gap, "", option->help);
}

static void print_sample_section(enum schema_table table, const char *title, bool active)
{
    const struct schema_section *section = schema_section(table);
    printf("\n%s[%s%s%s]%*s; %s\n", active ? "" : ";", section->name, title ? ":" : "",
           title ? title : "", 4, "", section->help);
    for (size_t i = 0; i < section->n; i++)
        print_sample_option(table, &section->options[i]);
    if (section->with_program)
        printf(";command=/bin/cat\n; ... and every other option of a [program:x]\n");
}

static void print_sample(void)
{
    puts("; Sample supervisor configuration file.\n"
         ";\n"
         "; A line that begins with a semicolon is a comment; the values shown are the defaults\n"
         "; or examples. Everything behind a blank and a semicolon is a comment, too, even inside\n"
         "; quotes. Environment variables may be used as %(ENV_NAME)s.");
    for (size_t i = 0; i < COUNT(layout); i++)
        print_sample_section(layout[i].table, layout[i].title, layout[i].active);
    puts("\n;[program-default]    ; values for every [program:x] and [fcgi-program:x] that says "
         "nothing");
}

/* Text for roff: no backslash is an escape, no dot or quote begins a request. */
static void print_roff(const char *text)
{
    for (const char *c = text; *c; c++) {
        if (*c == '\\')
            fputs("\\e", stdout);
        else if (*c == '-')
            fputs("\\-", stdout);
        else if (c == text && (*c == '.' || *c == '\''))
            printf("\\&%c", *c);
        else
            putchar(*c);
    }
}

static void print_man_option(const struct schema_option *option)
{
    puts(".TP");
    fputs(".B ", stdout);
    print_roff(option->name);
    putchar('\n');
    print_roff(option->help);
    fputs(".\nType: ", stdout);
    print_roff(schema_type_name(option->type));
    if (option->fallback && *option->fallback) {
        fputs("; default: ", stdout);
        print_roff(option->fallback);
    }
    puts(option->ours ? ".\nNot in the original Supervisor." : ".");
}

static void print_man_tables(void)
{
    for (size_t i = 0; i < COUNT(layout); i++) {
        const struct schema_section *section = schema_section(layout[i].table);
        fputs(".SS [", stdout);
        print_roff(section->name);
        printf("%s]\nOf %s%s:\n", section->titled ? ":NAME" : "", section->help,
               section->with_program ? ", besides the options of a program" : "");
        for (size_t k = 0; k < section->n; k++)
            print_man_option(&section->options[k]);
    }
}

int main(int argc, char *argv[])
{
    if (argc == 2 && strcmp(argv[1], "--man-tables") == 0) {
        print_man_tables();
    } else if (argc == 1) {
        print_sample();
    } else {
        fprintf(stderr, "usage: %s [--man-tables]\n", argv[0]);
        return 2;
    }
    if (fflush(stdout) != 0 || ferror(stdout)) {
        perror(argv[0]);
        return 1;
    }
    return 0;
}
