# SPDX-License-Identifier: MIT
"""The documented pages: what scripts read from them and what a click does, beside the reference."""

import html.parser
import http.client
import re
import urllib.parse

from harness import OURS, REFERENCE, Daemon, SystemTest, main, needs_reference, stays, wait_until

CONFIG = """
[program:cat]
command=/bin/sh -c 'echo "<b>&amp; caf\303\251"; exec sleep 1000'
[program:off]
command=/bin/sleep 1000
autostart=false
[program:done]
command=/bin/sh -c 'exit 0'
startsecs=0
autorestart=false
[program:missing]
command=/no/such/program
startretries=0
[program:quick]
command=/bin/sh -c 'exit 3'
autostart=false
startretries=0
[program:silent]
command=/bin/sleep 1000
stdout_logfile=NONE
[group:g]
programs=m,n
[program:m]
command=/bin/sleep 1000
numprocs=2
process_name=m_%(process_num)d
[program:n]
command=/bin/sleep 1000
""".encode("latin-1").decode("utf-8")


def get(daemon, target, method="GET", body=None, headers=None):
    connection = http.client.HTTPConnection("127.0.0.1", daemon.port, timeout=60)
    connection.request(method, target, body, headers or {})
    answer = connection.getresponse()
    content = answer.read().decode("utf-8", "replace")
    connection.close()
    return answer, content


class StatusPage(html.parser.HTMLParser):
    """What a script reads: the rows of the table, the buttons above it, the message."""

    def __init__(self, text):
        super().__init__()
        self.rows, self.buttons, self.message, self.title = [], [], "", ""
        self.stack, self.in_table = [], False
        self.feed(text)

    def handle_starttag(self, tag, attributes):
        attributes = dict(attributes)
        if tag in ("meta", "link", "img", "input", "br"):
            return
        self.stack.append((tag, attributes.get("class") or ""))
        if tag == "table":
            self.in_table = True
        if tag == "tr" and any(t == "tbody" for t, _ in self.stack):
            self.rows.append({"class": attributes.get("class"), "text": [], "links": []})
        if tag == "span" and self.row and attributes.get("class"):
            self.row["status"] = attributes["class"]
        if tag == "a" and self.row:
            self.row["links"].append((attributes["href"], attributes.get("name"), attributes.get("target")))
        elif tag == "a" and any(c == "action-button" for _, c in self.stack):
            self.buttons.append(attributes["href"])

    @property
    def row(self):
        return self.rows[-1] if self.in_table and self.rows else None

    def handle_endtag(self, tag):
        while self.stack and self.stack.pop()[0] != tag:
            pass
        if tag == "table":
            self.in_table = False

    def handle_data(self, data):
        if self.stack and self.stack[-1][0] == "title":
            self.title += data
        if any(c == "status_msg" for _, c in self.stack):
            self.message += data
        if self.row and data.strip():
            text = re.sub(r"pid \d+, uptime \d+:\d\d:\d\d", "pid PID, uptime UP", data.strip())
            self.row["text"].append(re.sub(r"[A-Z][a-z]{2} \d\d \d\d:\d\d [AP]M", "WHEN", text))


def settled(daemon):
    for name, state in (("cat", "RUNNING"), ("done", "EXITED"), ("missing", "FATAL"), ("g:m_1", "RUNNING"),
                        ("g:n", "RUNNING"), ("silent", "RUNNING"), ("g:m_0", "RUNNING")):
        daemon.wait_state(name, state)
    return daemon


def message_of(answer):
    location = urllib.parse.urlsplit(answer.headers["Location"])
    text = urllib.parse.parse_qs(location.query)["message"][0]
    return re.sub(r"at \w{3} \w{3} .\d \d\d:\d\d:\d\d \d{4}$", "at WHEN", text)


class BesideTheReference(SystemTest):
    @needs_reference
    def test_scripts_read_the_same_from_the_page(self):
        pages = []
        for impl in (OURS, REFERENCE):
            with Daemon(CONFIG, impl, inet=True) as d:
                answer, text = get(settled(d), "/")
                self.assertEqual(answer.headers["Content-Type"].replace(" ", ""), "text/html;charset=utf-8")
                pages.append(StatusPage(text))
        ours, theirs = pages
        self.assertEqual(len(ours.rows), 9)
        self.assertEqual(ours.rows, theirs.rows)
        self.assertEqual(ours.buttons, theirs.buttons)
        self.assertEqual(ours.title, theirs.title)

    @needs_reference
    def test_clicks_say_the_same(self):
        clicks = ("action=refresh", "processname=off&action=start", "processname=off&action=start",
                  "processname=off&action=restart", "processname=off&action=stop", "processname=off&action=stop",
                  "processname=off&action=clearlog", "processname=missing&action=start",
                  "processname=quick&action=start", "processname=nobody&action=stop", "processname=g%3A*&action=stop",
                  "processname=g%3Am_0&action=stop", "processname=nobody&action=foo", "action=stopall", "action=restartall")
        said = []
        for impl in (OURS, REFERENCE):
            with Daemon(CONFIG, impl, inet=True) as d:
                settled(d)
                said.append([message_of(get(d, "/index.html?" + click)[0]) for click in clicks])
        self.assertEqual(dict(zip(clicks, said[0])), dict(zip(clicks, said[1])))

    @needs_reference
    def test_the_tail_page_shows_the_same(self):
        # But for one thing: the reference does not escape what looks like an entity.
        config = CONFIG.replace("&amp; ", "& ")
        targets = ("processname=cat", "processname=cat&limit=10", "processname=cat&limit=4096", "processname=nobody",
                   "processname=silent", "processname=off", "limit=x", "processname=g%3Am_0&limit=-1", "processname=g%3A%2A")
        shown = []
        for impl in (OURS, REFERENCE):
            with Daemon(config, impl, inet=True) as d:
                settled(d)
                pages = [get(d, "/tail.html?" + target) for target in targets]
                shown.append([(answer.status, re.search(r"<title>([^<]*)</title>", text)[1],
                               html.unescape(re.search(r"<pre[^>]*>(.*?)</pre>", text, re.S)[1]).strip(),
                               re.findall(r'href="(tail[^"]*)"', text)) for answer, text in pages])
        for target, ours, theirs in zip(targets, *shown):
            self.assertEqual(ours, theirs, target)


class Pages(SystemTest):
    def test_markup_in_messages_and_logs_stays_text(self):
        with Daemon(CONFIG, inet=True) as d:
            settled(d)
            _, text = get(d, "/?message=%3Cscript%3Ealert%281%29%3C%2Fscript%3E%22%27")
            self.assertNotIn("<script>", text)
            self.assertEqual(StatusPage(text).message, "<script>alert(1)</script>\"'")
            _, text = get(d, "/tail.html?processname=cat")
            self.assertIn("&lt;b&gt;&amp;amp; caf\u00e9", text)
            _, text = get(d, "/tail.html?processname=%22%3E%3Cb%3E")
            self.assertNotIn('"><b>', text)

    def test_a_log_that_is_no_text_is_shown(self):
        with Daemon("[program:raw]\ncommand=/bin/sh -c 'printf \"a\\\\377b\\\\000c\"; exec sleep 100'\n", inet=True) as d:
            d.wait_state("raw", "RUNNING")
            wait_until(lambda: "a\ufffdb\ufffdc" in get(d, "/tail.html?processname=raw")[1], "the log")

    def test_redirects_are_relative_and_not_kept(self):
        with Daemon(CONFIG, inet=True) as d:
            answer, _ = get(settled(d), "/?action=refresh")
            self.assertEqual(answer.status, 303)
            self.assertTrue(answer.headers["Location"].startswith("./?message=Page%20refreshed%20at%20"))
            self.assertEqual(answer.headers["Cache-Control"], "no-cache")

    def test_odd_requests_have_answers(self):
        with Daemon(CONFIG, inet=True) as d:
            settled(d)
            for target, status in (("/?action=foo", 400), ("/?action=foo&processname=cat", 400), ("/?action=start", 400),
                                   ("/?action=", 200), ("///index.html", 200), ("/INDEX.HTML", 404), ("/index.html;p", 404),
                                   ("/status.html", 404), ("/ok.html", 200), ("/stylesheets/../../etc/passwd", 404),
                                   ("/images/", 404), ("/images/icon.png", 200), ("/images/state0.gif", 200),
                                   ("/stylesheets/supervisor.css", 200), ("/api/v1/nothing", 404)):
                self.assertEqual(get(d, target)[0].status, status, target)
            self.assertEqual(get(d, "/ok.html")[1], "OK")
            self.assertEqual(get(d, "/", "HEAD")[0].status, 200)
            self.assertIn(get(d, "/", "PUT")[0].status, (400, 405))
            self.assertIn(get(d, "/nothing", "POST", "a=b")[0].status, (400, 405))

    def test_a_failed_restart_says_so(self):
        with Daemon(CONFIG, inet=True) as d:
            answer, _ = get(settled(d), "/?action=restart&processname=missing")
            self.assertEqual(message_of(answer), "ERROR: Process missing: no such file")

    def test_forms_work_for_scripts_and_links_for_people(self):
        with Daemon(CONFIG, inet=True) as d:
            settled(d)
            form = {"Content-Type": "application/x-www-form-urlencoded"}
            answer, _ = get(d, "/index.html", "POST", "action=start&processname=off", form)
            self.assertEqual(message_of(answer), "Process off started")
            answer, _ = get(d, "/index.html?action=stop&processname=off", headers={
                "User-Agent": "Mozilla/5.0", "Sec-Fetch-Site": "same-origin"})
            self.assertEqual(message_of(answer), "Process off stopped")

    def test_links_of_other_sites_do_nothing(self):
        with Daemon(CONFIG, inet=True) as d:
            settled(d)
            host = "127.0.0.1:%d" % d.port
            for headers in ({"Sec-Fetch-Site": "cross-site"}, {"Sec-Fetch-Site": "same-site"},
                            {"Referer": "http://evil.example/"}, {"Referer": "http://%s.evil.example/" % host},
                            {"User-Agent": "Mozilla/5.0 (old and silent)"}):
                answer, _ = get(d, "/?action=stop&processname=cat", headers=headers)
                self.assertEqual(answer.status, 403, headers)
                self.assertEqual(get(d, "/?action=stopall", headers=headers)[0].status, 403, headers)
            stays(lambda: d.state("cat") == "RUNNING", "cat runs", 0.5)
            answer, _ = get(d, "/?action=stop&processname=cat", headers={"Referer": "http://%s/" % host})
            self.assertEqual(message_of(answer), "Process cat stopped")

    def test_the_confirmation_of_a_silent_browser_works(self):
        with Daemon(CONFIG, inet=True) as d:
            settled(d)
            browser = {"User-Agent": "Mozilla/5.0 (old)"}
            _, text = get(d, "/?action=stop&processname=cat", headers=browser)
            fields = dict(re.findall(r'<input type="hidden" name="(\w+)" value="([^"]*)">', text))
            self.assertEqual((fields["action"], fields["processname"]), ("stop", "cat"))
            answer, _ = get(d, "/index.html", "POST", urllib.parse.urlencode(fields), browser)
            self.assertEqual(message_of(answer), "Process cat stopped")

    def test_a_daemon_that_goes_down_says_so(self):
        config = "[program:slow]\ncommand=/bin/sh -c 'trap \"sleep 2; exit 0\" TERM; while :; do sleep 0.1; done'\n"
        with Daemon(config, inet=True) as d:
            d.wait_state("slow", "RUNNING")
            d.rpc.supervisor.shutdown()
            answer, text = get(d, "/")
            self.assertEqual(answer.status, 503)
            self.assertIn("shutting down", text)
            self.assertEqual(get(d, "/ok.html")[0].status, 200)

    def test_no_programs_is_a_page_too(self):
        with Daemon("", inet=True) as d:
            self.assertIn("No programs to manage", get(d, "/")[1])


if __name__ == "__main__":
    main()
