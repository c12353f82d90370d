// SPDX-License-Identifier: MIT
// app.js: takes over the page that the server rendered: toolbar, table, drawer, keys.

import { Actions, SIGNALS, targetOf, toast } from "./actions.js";
import { Drawer } from "./drawer.js";
import { h, icon, setText } from "./dom.js";
import { closeMenu, openMenu } from "./menu.js";
import { Store } from "./store.js";
import { Table } from "./table.js";
import { openUpdate } from "./update.js";

const STATES = ["RUNNING", "STARTING", "BACKOFF", "STOPPING", "FATAL", "EXITED", "STOPPED", "UNKNOWN"];
const QUIET_STATES = new Set(["STARTING", "BACKOFF", "STOPPING", "UNKNOWN"]); // shown only when there are some

const store = new Store();
const actions = new Actions(store, (names) => table.repaint(names));
const table = new Table(store, actions, {
    open: (name, tab = "stdout") => { location.hash = `#/p/${encodeURIComponent(name)}/${tab}`; },
    signal: chooseSignal,
    chosen: () => paintBulk(),
});
const drawer = new Drawer(store, actions, table);

// ---- toolbar

const chosenStates = new Set();
const filter = h("input", { type: "search", class: "filter", placeholder: "Filter programs  ( / )", "aria-label": "Filter programs by name", spellcheck: "false",
    oninput: () => applyFilter() });
const stateButtons = new Map(["", ...STATES].map((state) => {
    const count = h("b", {}, "0");
    const button = h("button", { type: "button", class: state ? `s-${state}` : "any", "aria-pressed": "false", onclick: () => toggleState(state) },
        state ? state.toLowerCase() : "all", count);
    return [state, { button, count }];
}));
const foldButton = h("button", { type: "button", title: "Fold or unfold all groups", onclick: () => {
    table.foldAll(table.folded.size === 0);
    paintFold();
} }, "Fold all");

function paintFold() {
    setText(foldButton, table.folded.size ? "Unfold all" : "Fold all");
    foldButton.hidden = ![...table.groups.values()].some((group) => !group.alone);
}
const updateButton = h("button", { type: "button", class: "with-icon i-update", onclick: () => openUpdate(table.readonly) }, "Update");
const logButton = h("button", { type: "button", class: "with-icon i-log", onclick: () => { location.hash = "#/log"; } }, "Daemon log");
const allButton = h("button", { type: "button", class: "with-icon i-more", "aria-haspopup": "menu", onclick: (e) => openMenu(e.currentTarget, [
    { label: "Start all", icon: "start", disabled: table.readonly, run: () => actions.run("start", targetOf.all(), store.names()) },
    { label: "Restart all", icon: "restart", disabled: table.readonly, run: () => actions.run("restart", targetOf.all(), store.names()) },
    { label: "Stop all", icon: "stop", danger: true, disabled: table.readonly, run: () => actions.run("stop", targetOf.all(), store.names()) },
    "-",
    { label: "Send a signal…", icon: "signal", disabled: table.readonly, run: () => chooseSignal(targetOf.all(), store.names()) },
    { label: "Clear all logs…", icon: "clear", disabled: table.readonly, run: () => actions.run("clear", targetOf.all(), store.names()) },
]) }, "All");

function applyFilter() {
    table.filter(filter.value, chosenStates);
}

function toggleState(state) {
    if (!state)
        chosenStates.clear();
    else if (!chosenStates.delete(state))
        chosenStates.add(state);
    paintStates();
    applyFilter();
}

function paintStates() {
    const counts = new Map();
    for (const p of store.processes.values())
        counts.set(p.state, (counts.get(p.state) ?? 0) + 1);
    for (const [state, { button, count }] of stateButtons) {
        const n = state ? counts.get(state) ?? 0 : store.processes.size;
        const on = state ? chosenStates.has(state) : chosenStates.size === 0;
        setText(count, String(n));
        button.setAttribute("aria-pressed", String(on));
        button.classList.toggle("zero", n === 0);
        button.hidden = n === 0 && !on && QUIET_STATES.has(state);
    }
    const bad = (counts.get("FATAL") ?? 0) + (counts.get("BACKOFF") ?? 0);
    document.title = bad ? `(${bad}) Supervisor Status` : "Supervisor Status";
}

// ---- header

const live = h("span", { class: "live", role: "status" }, "Connecting");
const mood = h("span", { class: "chip", hidden: true });
const theme = icon("theme", "Dark or light", () => {
    setTheme(isDark() ? "light" : "dark");
});
const help = icon("help", "Keyboard", () => showHelp());

function isDark() {
    return (document.documentElement.dataset.theme ?? (matchMedia("(prefers-color-scheme: dark)").matches ? "dark" : "light")) === "dark";
}

function setTheme(name) {
    if (name) {
        document.documentElement.dataset.theme = name;
        localStorage.setItem("supervisor.theme", name);
    }
    document.body.classList.toggle("on-dark", isDark());
}

function paintSupervisor() {
    const { supervisor, connected } = store;
    live.className = `live ${connected ? "on" : "off"}`;
    setText(live, connected ? "Live" : "Reconnecting");
    if (!supervisor)
        return;
    mood.hidden = supervisor.state === "RUNNING";
    mood.className = `chip s-${supervisor.state}`;
    setText(mood, supervisor.state === "SHUTDOWN" ? "shutting down" : supervisor.state.toLowerCase());
    const readonly = Boolean(supervisor.refusal) || supervisor.state !== "RUNNING";
    if (readonly !== table.readonly)
        table.setReadonly(readonly);
    readonlyNote.hidden = !supervisor.refusal;
    setText(readonlyNote, supervisor.refusal ?? "");
    updateButton.disabled = supervisor.state !== "RUNNING";
}

const readonlyNote = h("div", { class: "status_msg", hidden: true });

// ---- the bar of a selection

const bulkCount = h("b", {});
const bulk = h("div", { class: "bulk", role: "toolbar", "aria-label": "Selected programs", hidden: true }, bulkCount,
    ...["start", "stop", "restart"].map((verb) => h("button", { type: "button", class: `with-icon i-${verb}`, onclick: () => bulkRun(verb) }, verb[0].toUpperCase() + verb.slice(1))),
    h("button", { type: "button", class: "with-icon i-signal", onclick: () => chooseSignal(targetOf.batch([...table.chosen]), [...table.chosen]) }, "Signal"),
    h("button", { type: "button", class: "with-icon i-clear", onclick: () => bulkRun("clear") }, "Clear logs"),
    icon("close", "Clear the selection", () => table.setChosen([...table.chosen], false)));

function bulkRun(verb) {
    const names = [...table.chosen];
    actions.run(verb, targetOf.batch(names), names);
}

function paintBulk() {
    const n = table.chosen.size;
    bulk.hidden = n === 0;
    setText(bulkCount, `${n} selected`);
    for (const button of bulk.querySelectorAll(".with-icon"))
        button.disabled = table.readonly;
}

// ---- dialogs

function chooseSignal(target, names) {
    const select = h("select", { "aria-label": "Signal" }, SIGNALS.map((name) => h("option", { value: name }, `SIG${name}`)));
    const dialog = h("dialog", { "aria-labelledby": "signal-title" },
        h("h2", { id: "signal-title" }, `Send a signal to ${target.label}`),
        h("div", { class: "body" }, h("p", {}, "The signal goes to the program itself, not to what it started."), select),
        h("form", { method: "dialog", class: "ends" }, h("button", { value: "" }, "Cancel"), h("button", { value: "send", class: "primary" }, "Send")));
    dialog.addEventListener("close", () => {
        dialog.remove();
        if (dialog.returnValue === "send")
            actions.run("signal", target, names, { signal: select.value });
    });
    document.body.append(dialog);
    dialog.showModal();
    select.focus();
}

const KEYS = [["/", "Filter by name"], ["j  k", "Next, previous program"], ["Enter", "Open its log"], ["Space", "Select it"], ["s", "Start"], ["x", "Stop"],
    ["r", "Restart"], ["e", "Its exits and reasons"], ["g", "Fold or unfold all groups"], ["d", "Log of the daemon"], ["u", "What an update would change"], ["Esc", "Close, or clear the filter"], ["?", "These keys"]];

function showHelp() {
    const dialog = h("dialog", { "aria-labelledby": "help-title" }, h("h2", { id: "help-title" }, "Keyboard"),
        h("div", { class: "body" }, h("dl", { class: "keys" }, KEYS.flatMap(([key, text]) => [h("dt", {}, key.split("  ").flatMap((k) => [h("kbd", {}, k), " "])), h("dd", {}, text)]))),
        h("form", { method: "dialog", class: "ends" }, h("button", { class: "primary", autofocus: true }, "Close")));
    dialog.addEventListener("close", () => dialog.remove());
    document.body.append(dialog);
    dialog.showModal();
}

// ---- keys

const KEY_ACTIONS = {
    "/": () => filter.focus(),
    j: () => table.moveCursor(1),
    k: () => table.moveCursor(-1),
    ArrowDown: () => table.moveCursor(1),
    ArrowUp: () => table.moveCursor(-1),
    " ": () => table.cursor && table.setChosen([table.cursor], !table.chosen.has(table.cursor)),
    s: () => runAtCursor("start"),
    x: () => runAtCursor("stop"),
    r: () => runAtCursor("restart"),
    e: () => table.cursor && table.on.open(table.cursor, "history"),
    g: () => foldButton.click(),
    d: () => logButton.click(),
    u: () => updateButton.click(),
    "?": () => showHelp(),
};

function runAtCursor(verb) {
    if (table.cursor && !table.readonly)
        actions.run(verb, targetOf.process(table.cursor), [table.cursor]);
}

function onKey(event) {
    if (event.ctrlKey || event.metaKey || event.altKey || document.querySelector("dialog[open]"))
        return;
    const inField = event.target.closest("input:not([type=checkbox]), select, textarea");
    if (event.key === "Escape") {
        closeMenu();
        if (inField === filter && filter.value) {
            filter.value = "";
            applyFilter();
        } else if (drawer.isOpen) {
            location.hash = "";
        } else {
            document.activeElement?.blur();
        }
        return;
    }
    if (inField === filter && (event.key === "Enter" || event.key === "ArrowDown")) {
        table.setCursor(table.visible[0]);
        event.preventDefault();
        return;
    }
    // Arrows scroll the log, and Space presses what has the focus, unless that is the list itself.
    const onControl = event.target.closest("button, .log, .tabs, .menu, input");
    if (inField || (onControl && [" ", "ArrowDown", "ArrowUp"].includes(event.key)))
        return;
    const act = KEY_ACTIONS[event.key];
    if (act) {
        event.preventDefault();
        act();
    }
}

// ---- addresses: #/p/NAME/TAB and #/log, so that a view can be linked to

function onHash() {
    const parts = location.hash.slice(2).split("/");
    if (parts[0] === "p" && parts[1])
        drawer.openProcess(decodeURIComponent(parts[1]), parts[2] || "stdout");
    else if (parts[0] === "log")
        drawer.openDaemonLog();
    else
        drawer.close();
}

// ---- begin

function takeOver() {
    setTheme(localStorage.getItem("supervisor.theme"));
    matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => setTheme());
    const header = document.getElementById("header");
    header.append(mood, live, help, theme);
    const main = h("main", {},
        readonlyNote,
        h("div", { class: "toolbar" }, filter,
            h("div", { class: "states", role: "group", "aria-label": "Filter by state" }, [...stateButtons.values()].map(({ button }) => button)),
            h("span", { class: "space" }), foldButton, logButton, updateButton, allButton),
        table.element, table.empty);
    document.getElementById("status").replaceWith(main);
    document.body.append(drawer.element, bulk, h("div", { id: "toasts", class: "toasts", role: "status", "aria-live": "polite" }));
    document.addEventListener("keydown", onKey);
    addEventListener("hashchange", onHash);
    paintStates();
    const message = new URLSearchParams(location.search).get("message");
    if (message) { // of an action by a link or a form: said once, not again after a reload
        toast(message, { kind: /^ERROR|unexpected/.test(message) ? "bad" : "info", stay: false });
        history.replaceState(null, "", location.pathname + location.hash);
    }
}

let taken = false;
store.addEventListener("shape", () => {
    if (!taken) {
        taken = true;
        takeOver();
        applyFilter();
        onHash();
    }
    paintStates();
    paintFold();
});
store.addEventListener("process", () => paintStates());
store.addEventListener("supervisor", () => paintSupervisor());
store.addEventListener("link", () => paintSupervisor());
store.start();

