// SPDX-License-Identifier: MIT
// table.js: the programs, one row each, kept by name: a change repaints its own row and no other.
// Roles are spelled out because on a phone the style sheet turns rows into cards, which would undo them.

import { bytes, duration, h, icon, percent, setAttr, setText, svg } from "./dom.js";
import { targetOf } from "./actions.js";
import { openMenu } from "./menu.js";

const STATE_ORDER = ["FATAL", "UNKNOWN", "BACKOFF", "STOPPING", "STARTING", "EXITED", "STOPPED", "RUNNING"];
const UP = new Set(["RUNNING", "STARTING", "BACKOFF"]);

const COLUMNS = [
    { key: "name", label: "Program", class: "c-name" },
    { key: "state", label: "State", class: "c-state" },
    { key: "uptime", label: "For", class: "c-up num", title: "Time in this state" },
    { key: "pid", label: "PID", class: "c-pid num" },
    { key: "restarts", label: "Restarts", class: "c-restarts num", title: "Restarts that nobody asked for" },
    { key: "cpu", label: "CPU", class: "c-cpu num", title: "Of one core, with everything the program started" },
    { key: "rss", label: "Memory", class: "c-mem num", title: "Resident, with everything the program started" },
];

const collator = new Intl.Collator(undefined, { numeric: true });

function last(series) {
    return series?.length ? series[series.length - 1] : null;
}

export class Table {
    /** on: { open(name), signal(button, target, names), chosen() } */
    constructor(store, actions, on) {
        this.store = store;
        this.actions = actions;
        this.on = on;
        this.rows = new Map();   // name -> row
        this.groups = new Map(); // name -> group
        this.chosen = new Set();
        this.folded = new Set(JSON.parse(localStorage.getItem("supervisor.folded") ?? "[]"));
        this.words = [];
        this.states = new Set();
        this.sort = { key: "name", down: false };
        this.cursor = null;
        this.visible = []; // names in the order shown, without what is folded
        this.readonly = false;
        this.#build();
        this.observer = new IntersectionObserver((entries) => this.#onSeen(entries), { rootMargin: "200px" });
        store.addEventListener("shape", () => this.#reshape());
        store.addEventListener("process", (e) => this.#onChanges(e.detail));
        store.addEventListener("usage", () => this.#onUsage());
        setInterval(() => this.#tick(), 1000);
    }

    #build() {
        this.all = h("input", { type: "checkbox", "aria-label": "Select all programs shown", onchange: () => this.#chooseAll() });
        this.heads = new Map(COLUMNS.map((column) => [column.key, h("th", { class: column.class, scope: "col" },
            h("button", { type: "button", title: column.title, onclick: () => this.sortBy(column.key) }, column.label))]));
        this.element = h("table", { class: "programs", role: "table" },
            h("caption", { class: "sr" }, "Programs"),
            h("thead", { role: "rowgroup" }, h("tr", { role: "row" }, h("th", { class: "c-check", scope: "col" }, this.all), ...this.heads.values(),
                h("th", { class: "c-act", scope: "col" }, h("span", { class: "sr" }, "Actions")))));
        this.empty = h("div", { class: "empty", hidden: true });
        this.#showSort();
    }

    sortBy(key) {
        const wasDown = this.sort.key === key && this.sort.down;
        const first = key !== "name" && key !== "state" && key !== "pid"; // numbers: the largest first
        this.sort = { key, down: this.sort.key === key ? !wasDown : first };
        this.#showSort();
        this.layout();
    }

    #showSort() {
        for (const [key, th] of this.heads)
            setAttr(th, "aria-sort", key === this.sort.key ? (this.sort.down ? "descending" : "ascending") : null);
    }

    filter(text, states) {
        this.words = text.toLowerCase().split(/\s+/).filter(Boolean);
        this.states = states;
        this.layout();
    }

    setReadonly(readonly) {
        this.readonly = readonly;
        for (const name of this.rows.keys())
            this.#paint(name);
        for (const group of this.groups.values())
            this.#paintGroup(group);
    }

    // ---- shape: which rows and groups there are

    #reshape() {
        for (const [name, row] of this.rows)
            if (!this.store.processes.has(name)) {
                this.observer.unobserve(row.tr);
                row.tr.remove();
                this.rows.delete(name);
                this.chosen.delete(name);
            }
        const members = Map.groupBy ? Map.groupBy(this.store.processes.values(), (p) => p.group) : groupBy(this.store.processes.values());
        for (const [name, group] of this.groups)
            if (!members.has(name)) {
                group.body.remove();
                this.groups.delete(name);
            }
        for (const [name, processes] of members)
            this.#shapeGroup(name, processes);
        this.layout();
        this.on.chosen();
    }

    #shapeGroup(name, processes) {
        const alone = processes.length === 1 && processes[0].name === name;
        let group = this.groups.get(name);
        if (!group || group.alone !== alone) {
            group?.body.remove();
            group = { name, alone, body: h("tbody", { role: "rowgroup" }), head: null, names: [] };
            if (!alone)
                this.#buildGroupRow(group);
            this.groups.set(name, group);
        }
        group.names = processes.map((p) => p.name);
        for (const p of processes) {
            if (!this.rows.has(p.name))
                this.#buildRow(p.name);
            const row = this.rows.get(p.name);
            row.group = group;
            row.tr.classList.toggle("in-group", !alone);
            this.#paint(p.name);
        }
    }

    #buildGroupRow(group) {
        const id = group.name;
        group.check = h("input", { type: "checkbox", "aria-label": `Select group ${id}`, onchange: () => this.#chooseGroup(group) });
        group.fold = h("button", { type: "button", class: "fold", onclick: () => this.toggleFold(group) }, id);
        group.tally = h("span", { class: "tally" });
        group.cpu = h("span", { class: "value" });
        group.rss = h("span", { class: "value" });
        const run = (verb) => () => this.actions.run(verb, targetOf.group(id), group.names);
        group.buttons = {
            start: icon("start", `Start group ${id}`, run("start")),
            stop: icon("stop", `Stop group ${id}`, run("stop")),
            restart: icon("restart", `Restart group ${id}`, run("restart")),
        };
        const more = icon("more", `More for group ${id}`, (e) => openMenu(e.currentTarget, this.moreItems(targetOf.group(id), group.names)));
        more.setAttribute("aria-haspopup", "menu");
        group.head = h("tr", { class: "group-row", role: "row" },
            h("td", { role: "cell", class: "c-check" }, group.check),
            h("td", { role: "cell", class: "c-name" }, group.fold, group.tally),
            h("td", { role: "cell", class: "c-state" }), h("td", { role: "cell", class: "c-up" }), h("td", { role: "cell", class: "c-pid" }), h("td", { role: "cell", class: "c-restarts" }),
            h("td", { role: "cell", class: "c-cpu num" }, group.cpu), h("td", { role: "cell", class: "c-mem num" }, group.rss),
            h("td", { role: "cell", class: "c-act" }, h("div", { class: "row-actions" }, ...Object.values(group.buttons), more)));
        group.body.append(group.head);
    }

    #buildRow(name) {
        const row = { seen: false, painted: {} };
        row.check = h("input", { type: "checkbox", "aria-label": `Select ${name}`, onclick: (e) => this.#choose(name, e) });
        row.link = h("a", { class: "name", href: `#/p/${encodeURIComponent(name)}` }, name);
        row.why = h("span", { class: "why", hidden: true });
        row.chip = h("span", { class: "chip" });
        row.up = h("td", { role: "cell", class: "c-up num" });
        row.pid = h("td", { role: "cell", class: "c-pid num" });
        row.restarts = h("td", { role: "cell", class: "c-restarts num" });
        row.cpuSpark = spark();
        row.cpu = h("span", { class: "value" });
        row.rssSpark = spark();
        row.rss = h("span", { class: "value" });
        const run = (verb) => () => this.actions.run(verb, targetOf.process(name), [name]);
        row.buttons = {
            start: icon("start", `Start ${name}`, run("start")),
            stop: icon("stop", `Stop ${name}`, run("stop")),
            restart: icon("restart", `Restart ${name}`, run("restart")),
        };
        const log = icon("log", `Log of ${name}`, () => this.on.open(name));
        const more = icon("more", `More for ${name}`, (e) => openMenu(e.currentTarget, this.moreItems(targetOf.process(name), [name])));
        more.setAttribute("aria-haspopup", "menu");
        row.tr = h("tr", { "data-name": name, role: "row" },
            h("td", { role: "cell", class: "c-check" }, row.check),
            h("td", { role: "cell", class: "c-name" }, row.link, row.why),
            h("td", { role: "cell", class: "c-state" }, row.chip), row.up, row.pid, row.restarts,
            h("td", { role: "cell", class: "c-cpu num" }, row.cpuSpark.element, row.cpu),
            h("td", { role: "cell", class: "c-mem num" }, row.rssSpark.element, row.rss),
            h("td", { role: "cell", class: "c-act" }, h("div", { class: "row-actions" }, ...Object.values(row.buttons), log, more)));
        row.tr.row = row;
        row.name = name;
        this.rows.set(name, row);
        this.observer.observe(row.tr);
    }

    /** The rest of what can be asked of some programs. */
    moreItems(target, names) {
        return [
            { label: "Send a signal…", icon: "signal", disabled: this.readonly, run: () => this.on.signal(target, names) },
            { label: "Clear logs…", icon: "clear", disabled: this.readonly, run: () => this.actions.run("clear", target, names) },
            ...(names.length === 1 ? [
                "-",
                { label: "Standard output", icon: "log", run: () => this.on.open(names[0], "stdout") },
                { label: "Standard error", icon: "log", run: () => this.on.open(names[0], "stderr") },
                { label: "Exits and reasons", icon: "help", run: () => this.on.open(names[0], "history") },
            ] : []),
        ];
    }

    // ---- painting: what a row shows

    #onChanges(names) {
        const groups = new Set();
        let moved = this.states.size > 0 || this.sort.key === "state" || this.sort.key === "restarts" || this.sort.key === "pid";
        for (const name of names) {
            const row = this.rows.get(name);
            if (!row) {
                moved = true;
                continue;
            }
            this.#paint(name);
            groups.add(row.group);
        }
        groups.forEach((group) => this.#paintGroup(group));
        if (moved)
            this.layout();
    }

    repaint(names) {
        for (const name of names)
            if (this.rows.has(name))
                this.#paint(name);
    }

    #paint(name) {
        const row = this.rows.get(name);
        const p = this.store.processes.get(name);
        const pending = this.actions.pending.get(name);
        setText(row.chip, p.state.toLowerCase());
        setAttr(row.chip, "class", `chip s-${p.state}${pending ? " working" : ""}`);
        setText(row.pid, p.pid ? String(p.pid) : "–");
        setText(row.restarts, String(p.restarts));
        row.restarts.classList.toggle("some", p.restarts > 0);
        const bad = p.state === "FATAL" || p.state === "BACKOFF" || p.state === "UNKNOWN";
        const why = bad || (p.state === "EXITED" && p.exitstatus !== 0) ? (p.spawnerr || p.description) : "";
        setText(row.why, why);
        setAttr(row.why, "title", why || null);
        row.why.hidden = !why;
        row.tr.classList.toggle("bad", bad);
        const up = UP.has(p.state);
        row.buttons.start.hidden = up || p.state === "STOPPING";
        row.buttons.stop.hidden = !up && p.state !== "STOPPING";
        row.buttons.start.disabled = row.buttons.restart.disabled = this.readonly || Boolean(pending);
        // A program that is slow to stop or to start may still be stopped: that is asked, not waited for.
        row.buttons.stop.disabled = this.readonly || pending === "stop" || p.state === "STOPPING";
        row.check.checked = this.chosen.has(name);
        row.tr.classList.toggle("chosen", row.check.checked);
        this.#paintTime(row, p);
    }

    #paintTime(row, p) {
        setText(row.up, p.state === "STOPPED" && !p.start ? "–" : duration(this.store.now() - p.since));
    }

    #paintUsage(name, row) {
        const series = this.store.usage.get(name);
        const cpu = last(series?.cpu);
        const rss = last(series?.rss);
        setText(row.cpu, percent(cpu));
        setText(row.rss, bytes(rss));
        row.cpu.classList.toggle("none", cpu === null);
        row.rss.classList.toggle("none", rss === null);
        row.cpuSpark.draw(series?.cpu ?? [], 5);
        row.rssSpark.draw(series?.rss ?? [], 1 << 20);
    }

    #paintGroup(group) {
        if (group.alone)
            return;
        const counts = new Map();
        for (const name of group.names) {
            const state = this.store.processes.get(name).state;
            counts.set(state, (counts.get(state) ?? 0) + 1);
        }
        group.tally.replaceChildren(...STATE_ORDER.filter((state) => counts.has(state)).reverse()
            .map((state) => h("span", { class: `s-${state}` }, `${counts.get(state)} ${state.toLowerCase()}`)));
        const folded = this.folded.has(group.name);
        setAttr(group.fold, "aria-expanded", String(!folded));
        const chosen = group.names.filter((name) => this.chosen.has(name)).length;
        group.check.checked = chosen === group.names.length;
        group.check.indeterminate = chosen > 0 && chosen < group.names.length;
        for (const button of Object.values(group.buttons))
            button.disabled = this.readonly;
    }

    #paintGroupUsage(group) {
        if (group.alone)
            return;
        let cpu = null;
        let rss = null;
        for (const name of group.names) {
            const series = this.store.usage.get(name);
            if (last(series?.cpu) !== null)
                cpu = (cpu ?? 0) + last(series.cpu);
            if (last(series?.rss) !== null)
                rss = (rss ?? 0) + last(series.rss);
        }
        setText(group.cpu, percent(cpu));
        setText(group.rss, bytes(rss));
    }

    #onUsage() {
        for (const [name, row] of this.rows)
            if (row.seen)
                this.#paintUsage(name, row);
        for (const group of this.groups.values())
            this.#paintGroupUsage(group);
        if (this.sort.key === "cpu" || this.sort.key === "rss")
            this.layout();
    }

    /** Rows come into sight: what was not painted while they were away. */
    #onSeen(entries) {
        for (const entry of entries) {
            const row = entry.target.row;
            row.seen = entry.isIntersecting;
            const p = this.store.processes.get(row.name);
            if (row.seen && p) {
                this.#paintTime(row, p);
                this.#paintUsage(row.name, row);
            }
        }
    }

    #tick() {
        if (document.hidden || !this.store.connected)
            return;
        for (const [name, row] of this.rows)
            if (row.seen)
                this.#paintTime(row, this.store.processes.get(name));
    }

    // ---- layout: which rows are shown, in which order

    #key(name) {
        const p = this.store.processes.get(name);
        const series = this.store.usage.get(name);
        switch (this.sort.key) {
        case "state": return STATE_ORDER.indexOf(p.state);
        case "uptime": return this.store.now() - p.since;
        case "pid": return p.pid;
        case "restarts": return p.restarts;
        case "cpu": return last(series?.cpu) ?? -1;
        case "rss": return last(series?.rss) ?? -1;
        default: return 0;
        }
    }

    #matches(name) {
        const p = this.store.processes.get(name);
        if (this.states.size && !this.states.has(p.state))
            return false;
        const lower = name.toLowerCase();
        return this.words.every((word) => lower.includes(word));
    }

    layout() {
        const sign = this.sort.down ? -1 : 1;
        const better = (a, b) => sign * (a.key - b.key) || (this.sort.key === "name" ? sign : 1) * collator.compare(a.name, b.name);
        const shown = [];
        for (const group of this.groups.values()) {
            const rows = group.names.filter((name) => this.#matches(name)).map((name) => ({ name, key: this.#key(name) })).sort(better);
            group.body.hidden = rows.length === 0;
            for (const name of group.names)
                this.rows.get(name).tr.hidden = true;
            if (rows.length)
                shown.push({ group, rows, key: rows[0].key, name: group.name });
        }
        shown.sort(better);

        this.visible = [];
        let place = this.element.tHead;
        for (const { group, rows } of shown) {
            if (place.nextElementSibling !== group.body)
                place.after(group.body);
            place = group.body;
            this.#layoutGroup(group, rows);
        }
        this.empty.hidden = shown.length > 0;
        this.element.hidden = shown.length === 0;
        setText(this.empty, this.rows.size ? "No program matches this filter." : "No programs to manage");
        this.#paintAll();
    }

    #layoutGroup(group, rows) {
        // A filter looks into folded groups: hiding what matches would be odd.
        const folded = !group.alone && this.folded.has(group.name) && !this.words.length && !this.states.size;
        let place = group.head;
        for (const { name } of rows) {
            const tr = this.rows.get(name).tr;
            tr.hidden = folded;
            if (place ? place.nextElementSibling !== tr : group.body.firstElementChild !== tr)
                place ? place.after(tr) : group.body.prepend(tr);
            place = tr;
            if (!folded)
                this.visible.push(name);
        }
        this.#paintGroup(group);
    }

    toggleFold(group) {
        if (!this.folded.delete(group.name))
            this.folded.add(group.name);
        this.#keepFolded();
    }

    foldAll(fold) {
        this.folded = new Set(fold ? [...this.groups.values()].filter((group) => !group.alone).map((group) => group.name) : []);
        this.#keepFolded();
    }

    #keepFolded() {
        localStorage.setItem("supervisor.folded", JSON.stringify([...this.folded]));
        this.layout();
    }

    // ---- choosing

    #choose(name, event) {
        const on = event.currentTarget.checked;
        const from = this.visible.indexOf(this.lastChosen);
        const to = this.visible.indexOf(name);
        const range = event.shiftKey && from >= 0 && to >= 0 ? this.visible.slice(Math.min(from, to), Math.max(from, to) + 1) : [name];
        this.lastChosen = name;
        this.setChosen(range, on);
    }

    setChosen(names, on) {
        for (const name of names) {
            if (on)
                this.chosen.add(name);
            else
                this.chosen.delete(name);
            this.#paint(name);
        }
        this.groups.forEach((group) => this.#paintGroup(group));
        this.#paintAll();
        this.on.chosen();
    }

    #chooseGroup(group) {
        this.setChosen(group.names.filter((name) => this.#matches(name)), group.check.checked);
    }

    #chooseAll() {
        const names = this.store.names().filter((name) => this.#matches(name));
        this.setChosen(this.all.checked ? names : this.store.names(), this.all.checked);
    }

    #paintAll() {
        const names = this.store.names().filter((name) => this.#matches(name));
        const chosen = names.filter((name) => this.chosen.has(name)).length;
        this.all.checked = names.length > 0 && chosen === names.length;
        this.all.indeterminate = chosen > 0 && chosen < names.length;
    }

    // ---- the cursor of the keyboard

    moveCursor(by) {
        const now = this.visible.indexOf(this.cursor);
        const next = now < 0 ? 0 : Math.max(0, Math.min(this.visible.length - 1, now + by));
        this.setCursor(this.visible[next]);
    }

    setCursor(name) {
        this.rows.get(this.cursor)?.tr.classList.remove("cursor");
        this.cursor = name ?? null;
        const row = this.rows.get(this.cursor);
        row?.tr.classList.add("cursor");
        row?.tr.scrollIntoView({ block: "nearest" });
        row?.link.focus({ preventScroll: true });
    }

    reveal(name) {
        const row = this.rows.get(name);
        if (row && !row.tr.hidden)
            row.tr.scrollIntoView({ block: "nearest" });
    }

    markOpen(name) {
        this.element.querySelector("tr.open")?.classList.remove("open");
        this.rows.get(name)?.tr.classList.add("open");
    }
}

function groupBy(processes) {
    const groups = new Map();
    for (const p of processes) {
        if (!groups.has(p.group))
            groups.set(p.group, []);
        groups.get(p.group).push(p);
    }
    return groups;
}

/** A line of the last samples, 60 x 18; floor: the smallest full height, so that noise looks small. */
function spark() {
    const area = svg("path", { class: "area" });
    const line = svg("path");
    const element = svg("svg", { class: "spark", viewBox: "0 0 60 18", preserveAspectRatio: "none", "aria-hidden": "true" }, area, line);
    return {
        element,
        draw(samples, floor) {
            const top = Math.max(floor, ...samples.map((v) => v ?? 0));
            const step = 60 / 44;
            let path = "";
            let first = null;
            let x = 60 - (samples.length - 1) * step;
            let lastX = x;
            for (const sample of samples) {
                if (sample !== null) {
                    path += `${path ? "L" : "M"}${x.toFixed(1)} ${(17 - (sample / top) * 15).toFixed(1)}`;
                    first ??= x;
                    lastX = x;
                }
                x += step;
            }
            setAttr(line, "d", path);
            setAttr(area, "d", path ? `${path}L${lastX.toFixed(1)} 18L${first.toFixed(1)} 18Z` : "");
        },
    };
}
