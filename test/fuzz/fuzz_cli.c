/* SPDX-License-Identifier: MIT */
/* fuzz_cli.c: any text as what is typed at the client: a line, its words as names and patterns, as
 * a command line, as an address.
 *
 * What must hold: a process that was shown under a name belongs to that name again; what is
 * refused is refused with a sentence.
 */
#include "../../src/cli/ctl_options.h"
#include "../../src/cli/line.h"
#include "../../src/cli/names.h"
#include "../../src/cli/url.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const char answer[] =
    "<methodResponse><params><param><value><array><data>"
    "<value><struct><member><name>group</name><value><string>g</string></value></member>"
    "<member><name>name</name><value><string>a</string></value></member></struct></value>"
    "<value><struct><member><name>group</name><value><string>b</string></value></member>"
    "<member><name>name</name><value><string>b</string></value></member></struct></value>"
    "</data></array></value></param></params></methodResponse>";

static void check_name(const char *word, const struct value *infos)
{
    struct namespec spec;
    if (namespec_parse(word, &spec) < 0)
        return;
    if (!spec.group || !spec.display || !namespec_overlaps(&spec, &spec))
        abort();
    for (size_t i = 0; i < infos->n; i++)
        (void)namespec_holds(&spec, &infos->items[i]);
    namespec_free(&spec);
}

static void check_words(const struct line *line)
{
    struct xmlrpc_response response;
    if (xmlrpc_decode_response(answer, sizeof(answer) - 1, &response) < 0)
        return;
    size_t n;
    for (size_t i = 0; i < line->n; i++) {
        check_name(line->words[i], &response.value);
        if (name_is_pattern(line->words[i]))
            (void)name_matches(line->words[i], &response.value.items[0]);
    }
    char **words = names_expand(line->words, line->n, &response.value, &n);
    if (words)
        names_free(words, n);
    words = names_expand_members(line->words, line->n, &response.value, &n);
    if (words)
        names_free(words, n);
    xmlrpc_response_free(&response);
}

static void check_options(const struct line *line)
{
    char *argv[66] = { (char[]){ "supervisorctl" } };
    int argc = 1;
    struct ctl_options options;
    char error[200] = "";
    for (size_t i = 0; i < line->n && argc < 65; i++)
        argv[argc++] = line->words[i];
    if (ctl_options_parse(argc, argv, &options, error, sizeof(error)) < 0 && !*error)
        abort();
}

static void check_url(const char *text)
{
    struct server_url url;
    struct buf error = BUF_INIT;
    if (server_url_parse(text, &url, &error) == 0) {
        if (!url.base)
            abort();
        server_url_free(&url);
    } else if (!error.len) {
        abort();
    }
    (void)url_is_plausible(text);
    buf_reset(&error);
    url_put_encoded(&error, text);
    if (strpbrk(buf_text(&error), " ?#&/\"<>"))
        abort();
    buf_free(&error);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char *text = strndup((const char *)data, size);
    struct line line;
    uint64_t ms;
    if (!text)
        return 0;
    if (line_parse(text, &line) == 0) {
        check_words(&line);
        check_options(&line);
        line_free(&line);
    }
    check_url(text);
    (void)ctl_parse_seconds(text, &ms);
    free(text);
    return 0;
}
