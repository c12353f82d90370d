/* SPDX-License-Identifier: MIT */
/* page.c: frame and footer. All links are relative, so that a proxy may put us below any path. */
#include "page.h"

#include "html.h"
#include "reply.h"
#include "supervisor/version.h"
#include "supervisor/workers/crew.h"

#include <time.h>

void page_begin(struct buf *out, const char *title, bool with_scripts)
{
    const char *identifier = crew_config()->identifier;

    buf_puts(out, "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n<title>");
    html_text(out, title);
    buf_puts(out, "</title>\n"
                  "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n");
    if (with_scripts)
        buf_printf(out, "<meta name=\"supervisor-token\" content=\"%s\">\n", token_text());
    buf_puts(out,
             "<link href=\"stylesheets/supervisor.css\" rel=\"stylesheet\" type=\"text/css\">\n"
             "<link href=\"images/icon.png\" rel=\"icon\" type=\"image/png\">\n");
    if (with_scripts)
        buf_puts(out, "<script type=\"module\" src=\"assets/app.js\"></script>\n");
    buf_puts(out,
             "</head>\n<body>\n<div id=\"wrapper\">\n<div id=\"header\">\n"
             "<img src=\"images/supervisor.svg\" alt=\"Supervisor status\">\n<h1>Supervisor</h1>\n"
             "<span class=\"ident\">");
    html_text(out, identifier ? identifier : "");
    buf_puts(out, "</span>\n<span class=\"space\"></span>\n</div>\n");
}

void page_end(struct buf *out)
{
    struct tm tm;
    time_t now = time(NULL);
    int year = localtime_r(&now, &tm) ? tm.tm_year + 1900 : 2026;

    buf_printf(out,
               "<div id=\"footer\" class=\"clr\">\n<div class=\"left\">"
               "<a href=\"http://supervisord.org\">Supervisor</a> <span>%s</span></div>\n"
               "<div class=\"right\">&copy; 2006-<span>%d</span></div>\n</div>\n</div>\n"
               "</body>\n</html>\n",
               SUPERVISOR_VERSION, year);
}

void page_message(struct buf *out, const char *message)
{
    if (!message) {
        buf_puts(out, "<div class=\"hidden\">#</div>\n");
        return;
    }
    buf_puts(out, "<div class=\"status_msg\" role=\"status\">");
    html_text(out, message);
    buf_puts(out, "</div>\n");
}

void page_token(struct buf *out)
{
    buf_printf(out, "<input type=\"hidden\" name=\"token\" value=\"%s\">\n", token_text());
}

void page_note(struct buf *out, const char *title, const char *text)
{
    page_begin(out, title, false);
    buf_puts(out, "<main><div class=\"note\"><h2>");
    html_text(out, title);
    buf_puts(out, "</h2><p>");
    html_text(out, text);
    buf_puts(out, "</p></div></main>\n");
    page_end(out);
}
