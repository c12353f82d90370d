// SPDX-License-Identifier: MIT
// dashboard.test.mjs: the pages in a browser, against a real daemon with 300 programs and more.

import assert from "node:assert/strict";
import fs from "node:fs";
import http from "node:http";
import path from "node:path";
import { after, afterEach, before, test } from "node:test";
import { Daemon, launchBrowser, startProxy, until } from "./daemon.mjs";

const PROGRAMS = `
[program:sleeper]
command = /bin/sleep 100000
numprocs = 300
process_name = s_%(process_num)03d
[program:single]
command = /bin/sleep 100001
[program:idle]
command = /bin/sleep 100002
autostart = false
[program:talker]
command = /bin/sh -c 'i=0; while :; do i=$((i+1)); printf "\\033[31mred\\033[0m line %%d <b>&amp;</b>\\n" $i; sleep 0.05; done'
[program:fragile]
command = /bin/sh -c 'sleep 100003'
autorestart = false
stopsignal = KILL
`;

let daemon;
let browser;
let context;
let page;
let complaints;

before(async () => {
    daemon = await Daemon.start(PROGRAMS);
    browser = await launchBrowser();
    await daemon.state("sleeper:s_299", "RUNNING");
    await daemon.state("fragile", "RUNNING");
});

after(async () => {
    await browser?.close();
    await daemon?.stop();
});

afterEach(async () => {
    await context?.close();
    context = null;
});

/** A fresh page; what the browser complains about fails the test at its end. */
async function open(url = daemon.url, options = {}) {
    context = await browser.newContext({ viewport: { width: 1440, height: 900 }, ...options });
    page = await context.newPage();
    complaints = [];
    page.on("pageerror", (error) => complaints.push(error.message));
    page.on("console", (message) => {
        if (message.type() === "error" && !/Failed to load resource/.test(message.text()))
            complaints.push(message.text());
    });
    await page.goto(url, { waitUntil: "domcontentloaded" });
    if (options.javaScriptEnabled !== false)
        await page.waitForSelector(".programs tr[data-name=single]");
    return page;
}

const row = (name) => page.locator(`tr[data-name="${name}"]`);
const chip = (name) => row(name).locator(".chip");
const shot = async (name) => {
    if (process.env.SHOTS)
        await page.screenshot({ path: path.join(process.env.SHOTS, `${name}.png`) });
};

test("three hundred programs are shown, with what they use", async () => {
    await open();
    assert.equal(await page.locator("tr[data-name]").count(), 304);
    await until(async () => /iB/.test(await row("single").locator(".c-mem .value").textContent()), "memory is shown");
    await until(async () => /%/.test(await row("single").locator(".c-cpu .value").textContent()), "CPU is shown");
    await shot("wide-light");
    assert.deepEqual(complaints, []);
});

test("uptime counts", async () => {
    await open();
    const first = await row("single").locator(".c-up").textContent();
    await until(async () => await row("single").locator(".c-up").textContent() !== first, "the time has moved on");
});

test("a program is started and stopped by its buttons", async () => {
    await open();
    await row("idle").getByRole("button", { name: "Start idle", exact: true }).click();
    await chip("idle").filter({ hasText: "running" }).waitFor();
    assert.equal((await daemon.process("idle")).state, "RUNNING");
    await row("idle").getByRole("button", { name: "Stop idle", exact: true }).click();
    await page.getByRole("dialog").getByRole("button", { name: "Stop" }).click();
    await chip("idle").filter({ hasText: "stopped" }).waitFor();
    await page.locator(".toast.ok").filter({ hasText: "idle stopped" }).waitFor();
    assert.deepEqual(complaints, []);
});

test("a stop that was not confirmed does not happen", async () => {
    await open();
    await row("single").getByRole("button", { name: "Stop single", exact: true }).click();
    await page.getByRole("dialog").getByRole("button", { name: "Cancel" }).click();
    await page.getByRole("dialog").waitFor({ state: "detached" });
    assert.equal((await daemon.process("single")).state, "RUNNING");
});

test("a crash shows within a second", async () => {
    await open();
    const { pid } = await daemon.process("fragile");
    process.kill(pid, "SIGSEGV");
    const killed = Date.now();
    await chip("fragile").filter({ hasText: "exited" }).waitFor({ timeout: 5000 });
    const ms = Date.now() - killed;
    assert.ok(ms < (process.env.SUPERVISOR_TEST_SANITIZED ? 5000 : 1000), `it took ${ms} ms`);
    await row("fragile").getByRole("link", { name: "fragile" }).click();
    await page.getByRole("tab", { name: "Exits" }).click();
    await page.locator(".drawer td").filter({ hasText: "SIGSEGV" }).waitFor();
    await shot("exits");
    assert.deepEqual(complaints, []);
    await daemon.get("api/v1/processes/fragile/start", { method: "POST" });
});

test("filters by name and by state narrow the list", async () => {
    await open();
    await page.keyboard.press("/");
    await page.keyboard.type("s_29 sleeper");
    await until(async () => await page.locator("tr[data-name]:visible").count() === 10, "ten are shown");
    await page.keyboard.press("Escape");
    await page.getByRole("button", { name: /^stopped/ }).click();
    await until(async () => await page.locator("tr[data-name]:visible").count() === 1, "one is shown");
    assert.ok(await row("idle").isVisible());
    await page.getByRole("button", { name: /^all/ }).click();
    await until(async () => await page.locator("tr[data-name]:visible").count() === 304, "all are shown");
});

test("groups fold, and stay folded", async () => {
    await open();
    await page.getByRole("button", { name: "sleeper", exact: true }).click();
    await until(async () => await page.locator("tr[data-name]:visible").count() === 4, "the group is folded");
    await page.reload({ waitUntil: "domcontentloaded" });
    await page.waitForSelector(".programs tr[data-name=single]");
    assert.equal(await page.locator("tr[data-name]:visible").count(), 4);
});

test("columns sort", async () => {
    await open();
    await page.getByRole("button", { name: "State" }).click();
    await until(async () => await page.locator("tr[data-name]").first().getAttribute("data-name") === "idle", "the stopped one leads");
    await page.getByRole("button", { name: "Program", exact: true }).click();
    await until(async () => await page.locator("tr[data-name]").first().getAttribute("data-name") === "fragile", "the first by name leads");
});

test("a selection of programs is restarted at once", async () => {
    await open();
    const before = (await daemon.process("sleeper:s_000")).pid;
    await row("sleeper:s_000").getByRole("checkbox").check();
    await row("sleeper:s_009").getByRole("checkbox").click({ modifiers: ["Shift"] });
    await page.getByText("10 selected").waitFor();
    await shot("selection");
    await page.locator(".bulk").getByRole("button", { name: "Restart" }).click();
    await page.getByRole("dialog").getByRole("button", { name: "Restart" }).click();
    await page.locator(".toast.ok").filter({ hasText: "10 restarted" }).waitFor();
    assert.notEqual((await daemon.process("sleeper:s_009")).pid, 0);
    assert.notEqual((await daemon.process("sleeper:s_000")).pid, before);
    assert.deepEqual(complaints, []);
});

test("the log follows in colour, keeps its place when one scrolls up, and can be searched", async () => {
    await open(`${daemon.url}#/p/talker/stdout`);
    const log = page.locator(".log");
    await log.locator("div").filter({ hasText: "line 3" }).first().waitFor();
    assert.equal(await log.locator("span.f1").first().textContent(), "red");
    assert.match(await log.locator("div").first().textContent(), /<b>&amp;<\/b>/); // text, never markup
    await until(async () => await log.evaluate((e) => e.scrollHeight > e.clientHeight + 200), "there is something to scroll");
    const atEnd = () => log.evaluate((e) => e.scrollHeight - e.scrollTop - e.clientHeight < 24);
    await until(atEnd, "it follows");
    await log.evaluate((e) => { e.scrollTop = 0; });
    const lines = await log.locator("div").count();
    await until(async () => await log.locator("div").count() > lines + 5, "lines arrive");
    assert.equal(await log.evaluate((e) => e.scrollTop), 0);
    await page.getByRole("button", { name: /new line/ }).click();
    await until(atEnd, "it follows again");
    await page.getByPlaceholder("Search this log").fill("line 2 ");
    const hit = page.locator(".log .hit.now");
    await hit.waitFor();
    const later = await log.locator("div").count();
    await until(async () => await log.locator("div").count() > later + 5, "lines arrive");
    const [box, around] = [await hit.boundingBox(), await log.boundingBox()];
    assert.ok(box.y >= around.y && box.y < around.y + around.height, "what was found stays in sight");
    await shot("log");
    assert.deepEqual(complaints, []);
});

test("the log of the daemon is shown too, and logs can be downloaded", async () => {
    await open(`${daemon.url}#/log`);
    await page.locator(".log div").filter({ hasText: "entered RUNNING state" }).first().waitFor();
    const answer = await daemon.get("api/v1/processes/talker/logs/stdout");
    assert.match(answer.headers.get("content-disposition"), /attachment; filename="talker.stdout.log"/);
    assert.match(await answer.text(), /line 1 /);
});

test("keys move, open and close", async () => {
    await open();
    await page.keyboard.press("j");
    await page.keyboard.press("j");
    await page.keyboard.press("Enter");
    await page.locator(".drawer").waitFor();
    await page.keyboard.press("Escape");
    await page.locator(".drawer").waitFor({ state: "hidden" });
    await page.keyboard.press("?");
    await page.getByRole("dialog").getByText("Filter by name").waitFor();
});

test("an update is shown before it is made", async () => {
    await open();
    daemon.configure(`${PROGRAMS.replace("/bin/sleep 100001", "/bin/sleep 100009")}\n[program:added]\ncommand = /bin/sleep 100010\n`);
    await page.getByRole("button", { name: "Update", exact: true }).click();
    const dialog = page.getByRole("dialog");
    await dialog.getByText("2 groups would change").waitFor();
    await dialog.locator("li").filter({ hasText: "single" }).filter({ hasText: "Changed" }).waitFor();
    await shot("update");
    await dialog.getByRole("button", { name: "Update" }).click();
    await page.locator(".toast.ok").filter({ hasText: "Updated 2 groups" }).waitFor();
    await row("added").waitFor();
    assert.equal(await page.locator("tr[data-name]").count(), 305);
    assert.match((await daemon.process("single")).config.command, /100009/);
    daemon.configure("[program:broken]\n");
    await page.getByRole("button", { name: "Update", exact: true }).click();
    await dialog.getByText("cannot be used").waitFor();
    await page.keyboard.press("Escape");
    daemon.configure(PROGRAMS);
    const answer = await daemon.get("api/v1/update", { method: "POST" });
    assert.equal(answer.status, 200);
    await row("added").waitFor({ state: "detached" });
    assert.deepEqual(complaints, []);
});

test("without scripts the page is a table with buttons that work", async () => {
    await open(daemon.url, { javaScriptEnabled: false });
    await shot("no-scripts");
    assert.equal(await page.locator("table.plain tbody tr").count(), 304);
    await page.getByRole("button", { name: "Start idle", exact: true }).click();
    await page.waitForURL(/message=/);
    assert.equal(await page.locator(".status_msg").textContent(), "Process idle started");
    await page.getByRole("button", { name: "Stop idle", exact: true }).click();
    await page.getByText("Process idle stopped").waitFor();
    assert.equal((await daemon.process("idle")).state, "STOPPED");
});

test("a page of another site can change nothing", async () => {
    const evil = http.createServer((request, response) => {
        response.setHeader("Content-Type", "text/html");
        response.end(`<title>evil</title><a id="link" href="${daemon.url}?action=stop&processname=single">x</a>
            <form id="form" method="post" action="${daemon.url}index.html?action=stop&processname=single"><input name="a" value="b"></form>
            <form id="api" method="post" enctype="text/plain" action="${daemon.url}api/v1/processes/single/stop"><input name='{"a":"' value='"}'></form>
            <img src="${daemon.url}index.html?action=stop&processname=single">`);
    }).listen(0, "127.0.0.1");
    await new Promise((resolve) => evil.once("listening", resolve));
    const url = `http://localhost:${evil.address().port}/`;
    try {
        for (const attack of ["form", "api"]) {
            await open(url, { javaScriptEnabled: false });
            const [response] = await Promise.all([page.waitForResponse((r) => r.url().startsWith(daemon.url) && r.request().isNavigationRequest()),
                page.evaluate((id) => document.getElementById(id).submit(), attack).catch(() => {})]);
            assert.equal(response.status(), 403);
            await context.close();
        }
        await open(url, { javaScriptEnabled: false });
        const [response] = await Promise.all([page.waitForResponse((r) => r.url().startsWith(daemon.url) && r.request().isNavigationRequest()), page.click("#link")]);
        assert.equal(response.status(), 403);
    } finally {
        evil.closeAllConnections();
        evil.close();
    }
    assert.equal((await daemon.process("single")).state, "RUNNING");
});

test("a form with a stale token is refused, scripts without a browser are not", async () => {
    const form = (fields, headers = {}) => daemon.get("index.html", { method: "POST", headers, body: new URLSearchParams(fields) });
    const own = { Origin: daemon.url.slice(0, -1), "User-Agent": "Mozilla/5.0" };
    assert.equal((await form({ action: "stop", processname: "idle", token: "0".repeat(32) }, own)).status, 403);
    assert.equal((await form({ action: "stop", processname: "idle" }, own)).status, 403);
    assert.equal((await form({ action: "stop", processname: "idle" }, { "User-Agent": "curl/8" })).status, 303);
    // A browser that does not say where the link was is asked.
    assert.equal((await daemon.get("?action=stop&processname=single", { headers: { "User-Agent": "Mozilla/5.0 (old)" } })).status, 403);
});

test("it works below a path of a proxy", async () => {
    const proxy = await startProxy(daemon.url, "/tools/supervisor/");
    try {
        await open(proxy.url);
        await row("idle").getByRole("button", { name: "Start idle", exact: true }).click();
        await chip("idle").filter({ hasText: "running" }).waitFor();
        await daemon.get("api/v1/processes/idle/stop", { method: "POST" });
        await chip("idle").filter({ hasText: "stopped" }).waitFor();
        await context.close();
        await open(proxy.url, { javaScriptEnabled: false });
        await page.getByRole("button", { name: "Start idle", exact: true }).click();
        await page.waitForURL(`${proxy.url}?message=**`);
        await page.getByRole("button", { name: "Stop idle", exact: true }).click();
        await page.getByText("Process idle stopped").waitFor();
    } finally {
        proxy.close();
    }
});

test("it fits a phone, in the dark too", async () => {
    await open(daemon.url, { viewport: { width: 390, height: 800 }, colorScheme: "dark", hasTouch: true });
    await shot("phone-dark");
    assert.ok(await page.evaluate(() => document.documentElement.scrollWidth <= innerWidth), "nothing sticks out to the right");
    await row("fragile").getByRole("button", { name: "Log of fragile" }).click();
    await page.locator(".drawer").waitFor();
    assert.equal((await page.locator(".drawer").boundingBox()).width, 390);
    await context.close();
    await open(daemon.url, { colorScheme: "dark" });
    await shot("wide-dark");
    assert.equal(await page.evaluate(() => getComputedStyle(document.body).backgroundColor), "rgb(13, 17, 22)");
    await page.getByRole("button", { name: "Dark or light" }).click();
    assert.equal(await page.evaluate(() => getComputedStyle(document.body).backgroundColor), "rgb(243, 245, 248)");
});

test("a daemon that went away is noticed, and found again", async () => {
    const own = await Daemon.start("[program:one]\ncommand = /bin/sleep 100\n");
    try {
        context = await browser.newContext();
        page = await context.newPage();
        await page.goto(own.url);
        await page.locator(".live.on").waitFor();
        const stopped = own.get("RPC2", { method: "POST", body: "<methodCall><methodName>supervisor.restart</methodName><params/></methodCall>" });
        await page.locator(".live.off").waitFor();
        assert.equal((await stopped).status, 200);
        await page.locator(".live.on").waitFor({ timeout: 30000 });
        await row("one").waitFor();
    } finally {
        await own.stop();
    }
});

test("who may only read sees everything and changes nothing", async () => {
    const own = await Daemon.start("[program:one]\ncommand = /bin/sleep 100\n",
        "username = admin\npassword = secret\nusers = viewer:read:looksie");
    try {
        context = await browser.newContext({ httpCredentials: { username: "viewer", password: "looksie" } });
        page = await context.newPage();
        await page.goto(own.url);
        await row("one").waitFor();
        await page.getByText("read-only").waitFor();
        assert.ok(await row("one").getByRole("button", { name: "Restart one" }).isDisabled());
        const headers = { Authorization: `Basic ${Buffer.from("viewer:looksie").toString("base64")}` };
        assert.equal((await own.get("api/v1/processes/one/stop", { method: "POST", headers })).status, 403);
        assert.equal((await own.get("?action=stop&processname=one", { headers })).status, 403);
        assert.equal((await own.get("metrics")).status, 401);
        assert.equal((await own.get("api/v1/events")).status, 401);
    } finally {
        await own.stop();
    }
});

test("no file of the pages comes from elsewhere, and nothing is inline", async () => {
    const html = await (await daemon.get("")).text();
    assert.doesNotMatch(html, /<script(?![^>]* src=)|<style|\sstyle=|\son[a-z]+=/);
    const answer = await daemon.get("");
    assert.equal(answer.headers.get("content-security-policy"), "default-src 'self'");
    assert.equal(answer.headers.get("x-frame-options"), "DENY");
    for (const file of fs.readdirSync(new URL("../../src/web/assets/", import.meta.url)).filter((name) => name.endsWith(".js")))
        assert.equal((await daemon.get(`assets/${file}`)).status, 200);
    const css = await daemon.get("stylesheets/supervisor.css");
    assert.equal(css.headers.get("content-type"), "text/css");
    const again = await daemon.get("stylesheets/supervisor.css", { headers: { "If-None-Match": css.headers.get("etag") } });
    assert.equal(again.status, 304);
});
