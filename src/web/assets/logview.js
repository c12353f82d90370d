// SPDX-License-Identifier: MIT
// logview.js: a log that follows its file, keeps its place when one scrolls up, and can be searched.

import { AnsiLines, toNodes } from "./ansi.js";
import { h, icon, plural, setText } from "./dom.js";

const FIRST_BYTES = 128 * 1024;
const LINES_MAX = 8000;
const LINES_DROP = 1000;
const RETRY_MS = 2000;

export class LogView {
    /** source: { stream, download } URLs; clear(): ask and empty it, or null. */
    constructor(source, clear) {
        this.source = source;
        this.following = true;
        this.unseen = 0;
        this.needle = "";
        this.hits = [];
        this.#build(clear);
        this.#run();
    }

    #build(clear) {
        this.search = h("input", { type: "search", placeholder: "Search this log", "aria-label": "Search this log",
            oninput: () => this.#onSearch(), onkeydown: (e) => this.#onSearchKey(e) });
        this.count = h("span", { class: "count", "aria-live": "polite" });
        const toggle = (label, title, on, change) => {
            const button = h("button", { type: "button", title, "aria-pressed": String(on), onclick: () => {
                const pressed = button.getAttribute("aria-pressed") !== "true";
                button.setAttribute("aria-pressed", String(pressed));
                change(pressed);
            } }, label);
            return button;
        };
        const wrap = localStorage.getItem("supervisor.wrap") !== "no";
        this.log = h("div", { class: `log ${wrap ? "wrap" : ""}`, tabindex: "0", role: "log", "aria-label": "Log", "aria-live": "off",
            onscroll: () => this.#onScroll() });
        this.toEnd = h("button", { type: "button", class: "to-end with-icon i-down", hidden: true, onclick: () => this.#follow() }, "Follow");
        this.status = h("span", { class: "live" }, "Connecting");
        this.element = h("div", { class: "pane" },
            h("div", { class: "log-tools" }, this.search, this.count,
                toggle("Only matches", "Hide lines that do not match", false, (on) => this.#onlyHits(on)),
                toggle("Wrap", "Wrap long lines", wrap, (on) => {
                    this.log.classList.toggle("wrap", on);
                    localStorage.setItem("supervisor.wrap", on ? "yes" : "no");
                }),
                h("span", { class: "space" }), this.status,
                h("a", { class: "button with-icon i-download", href: this.source.download, download: "" }, "Download"),
                clear ? icon("clear", "Clear this log", clear) : null),
            h("div", { class: "log-box" }, this.log, this.toEnd));
    }

    close() {
        this.closed = true;
        this.abort?.abort();
    }

    async #run() {
        while (!this.closed) {
            try {
                await this.#read();
            } catch (error) {
                if (this.closed)
                    return;
                this.#setStatus(false, error.message);
            }
            await new Promise((resolve) => setTimeout(resolve, RETRY_MS));
        }
    }

    async #read() {
        this.abort = new AbortController();
        const response = await fetch(`${this.source.stream}?bytes=${FIRST_BYTES}`, { signal: this.abort.signal, cache: "no-store" });
        if (!response.ok)
            throw new Error(response.status === 404 ? "No log file yet" : `The server answered ${response.status}`);
        this.#restart();
        this.#setStatus(true, "Following");
        const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
        for (;;) {
            const { value, done } = await reader.read();
            if (done)
                break;
            this.#append(value);
        }
        this.#setStatus(false, "Disconnected");
    }

    /** A new connection begins with the tail again. */
    #restart() {
        this.ansi = new AnsiLines();
        this.line = null;
        this.pieces = [];
        this.log.replaceChildren();
        this.hits = [];
        this.unseen = 0;
        this.#showCount();
    }

    #setStatus(on, text) {
        this.status.className = `live ${on ? "on" : ""}`;
        setText(this.status, text);
    }

    #append(text) {
        const fresh = document.createDocumentFragment();
        let added = 0;
        this.ansi.feed(text, (pieces, complete) => {
            if (!this.line) {
                if (!pieces.length && !complete)
                    return;
                this.line = h("div");
                fresh.append(this.line);
                added++;
            }
            this.line.append(...toNodes(pieces));
            this.#judge(this.line);
            if (complete)
                this.line = null;
        });
        this.log.append(fresh);
        this.#trim();
        if (this.following) {
            this.log.scrollTop = this.log.scrollHeight;
        } else {
            this.unseen += added;
            setText(this.toEnd, this.unseen ? `${plural(this.unseen, "new line")}` : "Follow");
        }
        this.#showCount();
    }

    /** Old lines go in batches; what one reads stays where it is. */
    #trim() {
        if (this.log.childElementCount <= LINES_MAX + LINES_DROP)
            return;
        const before = this.log.scrollHeight;
        const top = this.log.scrollTop;
        const range = document.createRange();
        range.setStart(this.log, 0);
        range.setEnd(this.log, this.log.childNodes.length - LINES_MAX);
        range.deleteContents();
        this.log.prepend(h("div", { class: "gap" }, "Older lines are in the download."));
        this.hits = this.hits.filter((line) => line.isConnected);
        if (!this.following)
            this.log.scrollTop = Math.max(0, top - (before - this.log.scrollHeight));
    }

    #onScroll() {
        const atEnd = this.log.scrollHeight - this.log.scrollTop - this.log.clientHeight < 24;
        if (atEnd !== this.following)
            this.#setFollowing(atEnd);
    }

    #setFollowing(following) {
        this.following = following;
        this.unseen = 0;
        setText(this.toEnd, "Follow");
        this.toEnd.hidden = following;
    }

    #follow() {
        this.log.scrollTop = this.log.scrollHeight;
        this.log.focus({ preventScroll: true });
    }

    // ---- search

    #judge(line) {
        const hit = this.needle !== "" && line.textContent.toLowerCase().includes(this.needle);
        if (hit && !line.classList.contains("hit"))
            this.hits.push(line);
        line.classList.toggle("hit", hit);
    }

    #onSearch() {
        this.needle = this.search.value.toLowerCase();
        this.hits = [];
        this.now = null;
        for (const line of this.log.children) {
            line.classList.remove("hit", "now");
            this.#judge(line);
        }
        this.#showCount();
        if (this.hits.length)
            this.#goTo(this.hits.length - 1);
    }

    #onSearchKey(event) {
        if (event.key === "Enter" && this.hits.length) {
            const now = this.hits.indexOf(this.now);
            this.#goTo((now + (event.shiftKey ? 1 : -1) + this.hits.length) % this.hits.length);
            event.preventDefault();
        } else if (event.key === "Escape" && this.search.value) {
            this.search.value = "";
            this.#onSearch();
            event.stopPropagation();
        }
    }

    #goTo(index) {
        this.now?.classList.remove("now");
        this.now = this.hits[index];
        this.now.classList.add("now");
        this.#setFollowing(false); // what arrives now must not take the reader away
        this.now.scrollIntoView({ block: "center" });
        this.#showCount();
    }

    #onlyHits(on) {
        this.log.classList.toggle("only", on);
        if (this.following)
            this.log.scrollTop = this.log.scrollHeight;
    }

    #showCount() {
        const at = this.now ? this.hits.indexOf(this.now) + 1 : 0;
        setText(this.count, this.needle ? (this.hits.length ? `${at || "–"} of ${this.hits.length}` : "none") : "");
    }
}
