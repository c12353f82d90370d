// SPDX-License-Identifier: MIT
// actions.js: asking the daemon to do things: confirmation, the call, progress, the outcome.

import { h, icon, pathName, plural } from "./dom.js";

const token = document.querySelector('meta[name="supervisor-token"]')?.content ?? "";

export const SIGNALS = ["HUP", "USR1", "USR2", "INT", "QUIT", "TERM", "CONT", "KILL"];

const WORDS = {
    start: ["Start", "started", "Starting"],
    stop: ["Stop", "stopped", "Stopping"],
    restart: ["Restart", "restarted", "Restarting"],
    signal: ["Signal", "signalled", "Signalling"],
    clear: ["Clear logs of", "cleared", "Clearing logs of"],
};

export class ApiError extends Error {
    constructor(status, error) {
        super(error?.message ?? `The server answered ${status}.`);
        this.status = status;
    }
}

export async function api(path, { method = "GET", body } = {}) {
    const headers = { Accept: "application/json" };
    if (method !== "GET") {
        headers["X-Supervisor-Token"] = token;
        headers["Content-Type"] = "application/json";
    }
    const response = await fetch(`api/v1/${path}`, {
        method, headers, body: method === "GET" ? undefined : JSON.stringify(body ?? {}), cache: "no-store",
    });
    const answer = await response.json().catch(() => null);
    if (!response.ok && !answer?.results)
        throw new ApiError(response.status, answer?.error);
    return answer;
}

/** What happened, in the corner; good news leaves by itself. */
export function toast(text, { kind = "ok", detail = "", stay = kind === "bad" } = {}) {
    const box = document.getElementById("toasts");
    const title = h("span", {}, text);
    const small = h("small", {}, detail);
    const bar = h("progress", { max: "1", value: "0", hidden: true, "aria-label": text });
    const node = h("div", { class: `toast ${kind}` }, h("div", { class: "text" }, title, small, bar),
        icon("close", "Dismiss", () => node.remove()));
    box.append(node);
    while (box.children.length > 5)
        box.firstElementChild.remove();
    const leave = () => setTimeout(() => node.remove(), 5000);
    if (!stay)
        leave();
    return {
        progress(done, of) {
            bar.hidden = false;
            bar.max = of;
            bar.value = done;
        },
        finish(newText, newKind, newDetail = "") {
            title.textContent = newText;
            small.textContent = newDetail;
            node.className = `toast ${newKind}`;
            bar.hidden = true;
            if (newKind === "ok")
                leave();
        },
    };
}

/** Ask in a dialog; resolves to true or false. */
export function confirmed({ title, text, names = [], verb, danger = true }) {
    return new Promise((resolve) => {
        const list = names.length > 1
            ? h("ul", { class: "names", tabindex: "0", "aria-label": "Programs" }, names.map((name) => h("li", {}, name))) : null;
        const dialog = h("dialog", { "aria-labelledby": "ask-title" },
            h("h2", { id: "ask-title" }, title),
            h("div", { class: "body" }, h("p", {}, text), list),
            h("form", { method: "dialog", class: "ends" },
                h("button", { value: "no" }, "Cancel"),
                h("button", { value: "yes", class: danger ? "solid-danger" : "primary", autofocus: true }, verb)));
        dialog.addEventListener("close", () => {
            dialog.remove();
            resolve(dialog.returnValue === "yes");
        });
        document.body.append(dialog);
        dialog.showModal();
    });
}

export class Actions {
    /** pending: names with an action under way; onPending() repaints. */
    constructor(store, onPending) {
        this.store = store;
        this.onPending = onPending;
        this.pending = new Map();
    }

    /** Which of names would a verb do anything to? */
    static concerned(store, verb, names) {
        const up = new Set(["RUNNING", "STARTING", "BACKOFF"]);
        return names.filter((name) => {
            const state = store.processes.get(name)?.state;
            if (verb === "start")
                return !up.has(state) && state !== "STOPPING";
            if (verb === "stop")
                return up.has(state);
            if (verb === "signal")
                return up.has(state) && state !== "BACKOFF";
            return true;
        });
    }

    /**
     * target: { path: "processes/x", label: "x" }, { path: "batch", label, names } ...
     * names: the programs meant; options.signal with verb "signal".
     */
    async run(verb, target, names, options = {}) {
        const concerned = Actions.concerned(this.store, verb, names);
        if (!concerned.length) {
            toast(`Nothing to ${verb}: ${target.label}.`);
            return;
        }
        if (!await this.#ask(verb, target, concerned, options))
            return;
        const word = options.signal ? `SIG${options.signal} to` : WORDS[verb][2];
        const note = concerned.length > 1
            ? toast(`${word} ${target.label}`, { kind: "info", detail: plural(concerned.length, "program"), stay: true }) : null;
        for (const name of concerned)
            this.pending.set(name, verb);
        this.onPending(concerned);
        const watch = note ? this.#watch(verb, concerned, note) : () => {};
        try {
            const body = { ...(options.signal ? { signal: options.signal } : {}), ...(target.path === "batch" ? { names: concerned } : {}) };
            const answer = await api(`${target.path}/${verb}`, { method: "POST", body });
            this.#tell(verb, target, answer.results ?? [], note);
        } catch (error) {
            const text = `Could not ${verb} ${target.label}`;
            if (note)
                note.finish(text, "bad", error.message);
            else
                toast(text, { kind: "bad", detail: error.message });
        } finally {
            watch();
            for (const name of concerned)
                this.pending.delete(name);
            this.onPending(concerned);
        }
    }

    #ask(verb, target, names, options) {
        const many = names.length > 1;
        if (verb === "start" || (verb === "signal" && !["KILL", "TERM", "QUIT", "INT"].includes(options.signal)))
            return true;
        if (verb === "restart" && !many)
            return true;
        const what = many ? plural(names.length, "program") : names[0];
        const texts = {
            stop: many ? "They stay down until somebody starts them again." : "It stays down until somebody starts it again.",
            restart: "Each is stopped and started again; what they serve is interrupted.",
            clear: "What was written so far is deleted for good.",
            signal: `SIG${options.signal} may end ${many ? "these programs" : "this program"}.`,
        };
        const title = verb === "signal" ? `Send SIG${options.signal} to ${what}?` : `${WORDS[verb][0]} ${what}?`;
        return confirmed({ title, text: texts[verb], names, verb: verb === "clear" ? "Clear" : WORDS[verb][0], danger: verb !== "restart" });
    }

    /** Count those that got there while the daemon is still working. */
    #watch(verb, names, note) {
        if (verb !== "start" && verb !== "stop" && verb !== "restart")
            return () => {};
        const before = new Map(names.map((name) => [name, this.store.processes.get(name)?.start]));
        const there = (name) => {
            const p = this.store.processes.get(name);
            if (!p)
                return true;
            if (verb === "stop")
                return ["STOPPED", "EXITED", "FATAL"].includes(p.state);
            return ["RUNNING", "FATAL", "EXITED"].includes(p.state) && (verb === "start" || p.start !== before.get(name));
        };
        const count = () => note.progress(names.filter(there).length, names.length);
        count();
        this.store.addEventListener("process", count);
        return () => this.store.removeEventListener("process", count);
    }

    #tell(verb, target, results, note) {
        const failed = results.filter((result) => !result.ok);
        const done = results.length - failed.length;
        const detail = failed.slice(0, 20).map((result) => `${result.name}: ${result.message}`).join("\n");
        const past = verb === "clear" ? "Logs cleared" : WORDS[verb][1];
        let text;
        if (results.length === 1)
            text = failed.length ? `Could not ${verb} ${results[0].name}` : (verb === "clear" ? `${past}: ${results[0].name}` : `${results[0].name} ${past}`);
        else
            text = failed.length ? `${done} of ${results.length} ${past}, ${failed.length} failed` : `${target.label}: ${results.length} ${past.toLowerCase()}`;
        const kind = failed.length ? "bad" : "ok";
        const reason = results.length === 1 && failed.length ? failed[0].message : detail;
        if (note)
            note.finish(text, kind, reason);
        else
            toast(text, { kind, detail: reason });
    }
}

export const targetOf = {
    process: (name) => ({ path: `processes/${pathName(name)}`, label: name }),
    group: (name) => ({ path: `groups/${pathName(name)}`, label: name }),
    all: () => ({ path: "all", label: "all programs" }),
    batch: (names) => ({ path: "batch", label: plural(names.length, "program") }),
};
