// SPDX-License-Identifier: MIT
// drawer.js: one program close up, or the daemon's log: log, exits, details.

import { Actions, api, targetOf, toast } from "./actions.js";
import { ago, bytes, duration, h, icon, lived, moment, pathName, percent, setAttr, setText } from "./dom.js";
import { LogView } from "./logview.js";
import { openMenu } from "./menu.js";

const TABS = [["stdout", "Standard output"], ["stderr", "Standard error"], ["history", "Exits"], ["details", "Details"]];

export class Drawer {
    constructor(store, actions, table) {
        this.store = store;
        this.actions = actions;
        this.table = table;
        this.name = null;
        this.view = null;
        this.element = h("aside", { class: "drawer", hidden: true, tabindex: "-1" });
        store.addEventListener("process", (e) => this.#onChange(e.detail));
        store.addEventListener("shape", () => this.#onShape());
        store.addEventListener("usage", () => this.#paintHead());
        setInterval(() => this.#paintHead(), 1000);
    }

    get isOpen() {
        return !this.element.hidden;
    }

    openProcess(name, tab = "stdout") {
        const p = this.store.processes.get(name);
        if (!p)
            return;
        if (this.name !== name || !this.isOpen) {
            this.#show(name);
            this.#buildProcess(name);
            this.table.reveal(name);
        }
        this.table.markOpen(name);
        this.#tab(tab);
    }

    openDaemonLog() {
        this.#show(null);
        this.element.setAttribute("aria-label", "Log of the daemon");
        this.element.append(h("header", {}, h("h2", {}, "Log of supervisord"), h("span", { class: "space" }), this.#closer()));
        this.#setView(new LogView({ stream: "mainlogtail", download: "api/v1/log" }, null));
    }

    close() {
        if (!this.isOpen)
            return;
        this.#setView(null);
        this.element.hidden = true;
        document.body.classList.remove("with-drawer");
        this.table.markOpen(null);
        if (this.name)
            this.table.setCursor(this.name);
        this.name = null;
    }

    #show(name) {
        this.#setView(null);
        this.name = name;
        this.head = null;
        this.element.replaceChildren();
        this.element.hidden = false;
        document.body.classList.add("with-drawer");
        this.element.focus({ preventScroll: true });
    }

    #closer() {
        return icon("close", "Close", () => { location.hash = ""; });
    }

    #buildProcess(name) {
        this.element.setAttribute("aria-label", `Program ${name}`);
        const run = (verb) => () => this.actions.run(verb, targetOf.process(name), [name]);
        this.head = {
            chip: h("span", { class: "chip" }),
            facts: h("div", { class: "facts" }),
            start: icon("start", `Start ${name}`, run("start")),
            stop: icon("stop", `Stop ${name}`, run("stop")),
            restart: icon("restart", `Restart ${name}`, run("restart")),
            more: icon("more", `More for ${name}`, (e) => openMenu(e.currentTarget, this.table.moreItems(targetOf.process(name), [name]).slice(0, 2))),
        };
        this.tabs = h("div", { class: "tabs", role: "tablist", onkeydown: (e) => this.#onTabKey(e) }, TABS.map(([key, label]) =>
            h("button", { type: "button", role: "tab", "data-tab": key, onclick: () => { location.hash = `#/p/${encodeURIComponent(name)}/${key}`; } }, label)));
        this.element.append(
            h("header", {}, h("h2", { title: name }, name), this.head.chip, h("span", { class: "space" }),
                this.head.start, this.head.stop, this.head.restart, this.head.more, this.#closer()),
            this.head.facts, this.tabs);
        this.#paintHead();
    }

    #paintHead() {
        const p = this.store.processes.get(this.name);
        if (!p || !this.head || document.hidden)
            return;
        const usage = this.store.usage.get(p.name);
        setText(this.head.chip, p.state.toLowerCase());
        setAttr(this.head.chip, "class", `chip s-${p.state}`);
        const facts = [
            ["for", duration(this.store.now() - p.since)],
            p.pid ? ["pid", String(p.pid)] : null,
            p.pid ? ["cpu", percent(usage?.cpu.at(-1))] : null,
            p.pid ? ["memory", bytes(usage?.rss.at(-1))] : null,
            ["restarts", String(p.restarts)],
        ].filter(Boolean);
        const text = facts.map((fact) => fact.join(" ")).join();
        if (this.head.text !== text) {
            this.head.text = text;
            this.head.facts.replaceChildren(...facts.map(([key, value]) => h("span", {}, `${key} `, h("b", {}, value))),
                p.spawnerr && p.state !== "RUNNING" ? h("span", {}, p.spawnerr) : "");
        }
        const readonly = this.table.readonly;
        const can = (verb) => !readonly && Actions.concerned(this.store, verb, [p.name]).length > 0;
        this.head.start.disabled = !can("start");
        this.head.stop.disabled = !can("stop");
        this.head.restart.disabled = readonly;
    }

    #tab(tab) {
        for (const button of this.tabs.children) {
            const on = button.dataset.tab === tab;
            button.setAttribute("aria-selected", String(on));
            button.tabIndex = on ? 0 : -1;
        }
        if (this.tab === tab && this.view && this.viewOf === this.name)
            return;
        this.tab = tab;
        this.viewOf = this.name;
        if (tab === "history" || tab === "details")
            this.#facts(tab);
        else
            this.#logOf(tab);
    }

    #onTabKey(event) {
        const by = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
        if (!by)
            return;
        const buttons = [...this.tabs.children];
        const next = buttons.at((buttons.indexOf(document.activeElement) + by) % buttons.length);
        next.focus();
        next.click();
        event.preventDefault();
    }

    #setView(view) {
        this.view?.close?.();
        this.view?.element?.remove();
        this.view = view;
        if (view)
            this.element.append(view.element);
    }

    #logOf(channel) {
        const name = this.name;
        const p = this.store.processes.get(name);
        if (!p[channel]) {
            this.#setView({ element: h("div", { class: "pane padded" }, h("p", { class: "empty" },
                channel === "stderr" && p.redirect_stderr ? "Standard error goes to standard output." : "This program has no such log file.")) });
            return;
        }
        const clear = this.table.readonly ? null : () => this.actions.run("clear", targetOf.process(name), [name]);
        this.#setView(new LogView({
            stream: `logtail/${pathName(name)}/${channel}`,
            download: `api/v1/processes/${pathName(name)}/logs/${channel}`,
        }, clear));
    }

    async #facts(tab) {
        const name = this.name;
        if (!this.view || !this.view.facts)
            this.#setView({ facts: true, element: h("div", { class: "pane padded" }) });
        const pane = this.view.element;
        try {
            const p = await api(`processes/${pathName(name)}`);
            if (pane.isConnected && this.tab === tab)
                pane.replaceChildren(tab === "history" ? this.#history(p) : details(p));
        } catch (error) {
            pane.replaceChildren(h("p", { class: "empty" }, error.message));
        }
    }

    #history(p) {
        if (!p.history.length)
            return h("p", { class: "empty" }, "It has not ended since the daemon started.");
        const rows = [...p.history].reverse().map((end) => h("tr", {},
            h("td", { title: moment(end.at) }, moment(end.at), " ", h("span", { class: "live-ago" }, `(${ago(this.store.now() - end.at)})`)),
            h("td", {}, end.reason),
            h("td", {}, end.asked ? "asked to stop" : end.expected ? "expected" : h("b", { class: "some" }, "unexpected")),
            h("td", { class: "num" }, lived(end.lived))));
        return h("div", {},
            h("p", {}, `It has ended ${p.exits} times; the last ${rows.length} are shown. Restarts nobody asked for: ${p.restarts}.`),
            h("table", {}, h("thead", {}, h("tr", {}, ["When", "How it ended", "Was that right?", "Lived for"].map((text) => h("th", { scope: "col" }, text)))),
                h("tbody", {}, rows)));
    }

    #onChange(names) {
        if (!this.name || !names.has(this.name))
            return;
        this.#paintHead();
        if (this.view?.facts)
            this.#facts(this.tab);
    }

    #onShape() {
        if (this.name && !this.store.processes.has(this.name)) {
            toast(`${this.name} was removed`, { kind: "info" });
            location.hash = "";
        } else {
            this.#paintHead();
            this.table.markOpen(this.name);
        }
    }
}

function details(p) {
    const line = (key, value, code = false) => (value === null || value === "" || value === undefined ? []
        : [h("dt", {}, key), h("dd", {}, code ? h("code", {}, String(value)) : String(value))]);
    const flow = (log) => `${bytes(log.bytes_read)} read, ${bytes(log.bytes_stored)} stored${log.bytes_dropped ? `, ${bytes(log.bytes_dropped)} dropped` : ""}`;
    return h("dl", {},
        line("Command", p.config.command, true), line("Directory", p.config.directory, true), line("User", p.config.user),
        line("Declared in", `[${p.config.section}]`, true), line("Kind", p.kind), line("Priority", p.priority),
        line("Starts by itself", p.autostart ? "yes" : "no"), line("Restarts by itself", p.config.autorestart),
        line("Must stay up for", `${p.config.startsecs} s`), line("Tries to start", p.config.startretries),
        line("Stop signal", p.config.stopsignal), line("Killed after", `${p.config.stopwaitsecs} s`),
        line("Standard output", p.stdout_logfile || "not kept", Boolean(p.stdout_logfile)), line("", flow(p.log.stdout)),
        line("Standard error", p.redirect_stderr ? "goes to standard output" : p.stderr_logfile || "not kept", Boolean(p.stderr_logfile)),
        p.redirect_stderr ? [] : line("", flow(p.log.stderr)),
        line("Last started", p.start ? moment(p.start) : "never"), line("Last ended", p.stop ? moment(p.stop) : "never"),
        p.usage ? line("Processes", `${p.usage.processes} with ${p.usage.threads} threads`) : [],
        p.usage ? line("CPU time", duration(p.usage.cpu_seconds)) : []);
}

