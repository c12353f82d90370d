// SPDX-License-Identifier: MIT
// store.js: what the daemon last said, kept up to date by its event stream.
//
// Fires: "shape" (all is new), "process" (detail: Set of names), "usage", "supervisor", "link".

const KEEP_SAMPLES = 45;
const RETRY_FIRST_MS = 1000;
const RETRY_MAX_MS = 15000;

export class Store extends EventTarget {
    processes = new Map();
    supervisor = null;
    usage = new Map(); // name -> { cpu: [], rss: [] }, the newest last
    connected = false;
    skew = 0; // the daemon's clock minus ours, seconds

    #source = null;
    #dirty = new Set();
    #frame = 0;
    #retryMs = RETRY_FIRST_MS;
    #retryTimer = 0;

    start() {
        // A hidden page holds no connection: browsers allow six to one server, and tabs are many.
        document.addEventListener("visibilitychange", () => {
            if (document.hidden)
                this.#close();
            else
                this.#open();
        });
        addEventListener("pagehide", () => this.#close());
        addEventListener("pageshow", () => this.#open());
        this.#open();
    }

    /** Seconds since the epoch, by the daemon's clock. */
    now() {
        return Date.now() / 1000 + this.skew;
    }

    names() {
        return [...this.processes.keys()];
    }

    #open() {
        if (this.#source || document.hidden)
            return;
        clearTimeout(this.#retryTimer);
        const source = new EventSource("api/v1/events");
        this.#source = source;
        source.addEventListener("snapshot", (e) => this.#onSnapshot(JSON.parse(e.data)));
        source.addEventListener("process", (e) => this.#onProcess(JSON.parse(e.data)));
        source.addEventListener("usage", (e) => this.#onUsage(JSON.parse(e.data)));
        source.addEventListener("supervisor", (e) => this.#onSupervisor(JSON.parse(e.data)));
        source.onerror = () => this.#onError(source);
    }

    #close() {
        clearTimeout(this.#retryTimer);
        this.#source?.close();
        this.#source = null;
    }

    #onError(source) {
        if (source !== this.#source)
            return;
        this.#close();
        this.#setConnected(false);
        this.#retryTimer = setTimeout(() => this.#open(), this.#retryMs);
        this.#retryMs = Math.min(this.#retryMs * 2, RETRY_MAX_MS);
    }

    #setConnected(connected) {
        if (this.connected === connected)
            return;
        this.connected = connected;
        this.dispatchEvent(new Event("link"));
    }

    #onSnapshot({ supervisor, processes }) {
        this.#retryMs = RETRY_FIRST_MS;
        this.processes = new Map(processes.map((p) => [p.name, p]));
        for (const name of this.usage.keys())
            if (!this.processes.has(name))
                this.usage.delete(name);
        this.#dirty.clear();
        this.#onSupervisor(supervisor);
        this.#setConnected(true);
        this.dispatchEvent(new Event("shape"));
    }

    #onSupervisor(supervisor) {
        // What all are told leaves out what only this user is told: why nothing may be changed.
        this.supervisor = { ...this.supervisor, ...supervisor };
        this.skew = supervisor.now - Date.now() / 1000;
        this.dispatchEvent(new Event("supervisor"));
    }

    #onProcess(process) {
        this.processes.set(process.name, process);
        this.#dirty.add(process.name);
        // A burst of changes is painted once.
        this.#frame ||= requestAnimationFrame(() => {
            this.#frame = 0;
            const names = this.#dirty;
            this.#dirty = new Set();
            this.dispatchEvent(new CustomEvent("process", { detail: names }));
        });
    }

    #onUsage({ processes }) {
        for (const name of this.processes.keys()) {
            const [cpu, rss] = processes[name] ?? [null, null];
            let series = this.usage.get(name);
            if (!series)
                this.usage.set(name, series = { cpu: [], rss: [] });
            series.cpu.push(cpu);
            series.rss.push(rss);
            if (series.cpu.length > KEEP_SAMPLES) {
                series.cpu.shift();
                series.rss.shift();
            }
        }
        this.dispatchEvent(new Event("usage"));
    }
}
