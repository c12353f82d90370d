// SPDX-License-Identifier: MIT
// update.js: what the configuration file says now, compared with what runs; and the button for it.

import { api, toast } from "./actions.js";
import { h, plural } from "./dom.js";

const WORDS = [["added", "New", "will be added"], ["changed", "Changed", "will be stopped and started anew"], ["removed", "Gone", "will be stopped and removed"]];

export async function openUpdate(readonly) {
    const body = h("div", { class: "body", "aria-live": "polite" }, h("p", {}, "Reading the configuration…"));
    const apply = h("button", { type: "button", class: "primary", disabled: true }, "Update");
    const dialog = h("dialog", { "aria-labelledby": "update-title" },
        h("h2", { id: "update-title" }, "Update from the configuration file"), body,
        h("div", { class: "ends" }, h("button", { type: "button", onclick: () => dialog.close() }, "Cancel"), apply));
    dialog.addEventListener("close", () => dialog.remove());
    document.body.append(dialog);
    dialog.showModal();

    let diff;
    try {
        diff = await api("update");
    } catch (error) {
        body.replaceChildren(h("p", {}, "The file cannot be used; nothing was changed."), h("p", { class: "status_msg" }, error.message));
        return;
    }
    const items = WORDS.flatMap(([key, word, note]) => diff[key].map((group) => h("li", {},
        h("span", { class: `mark ${key}` }, word),
        h("span", {}, group.name, h("small", {}, group.why || note)))));
    if (!items.length) {
        body.replaceChildren(h("p", {}, "What runs is what the file says. There is nothing to do."));
        return;
    }
    body.replaceChildren(h("p", {}, `${plural(items.length, "group")} would change. All others go on untouched.`), h("ul", { class: "diff" }, items));
    apply.disabled = readonly;
    apply.focus();
    apply.addEventListener("click", async () => {
        apply.disabled = true;
        apply.textContent = "Updating…";
        try {
            const answer = await api("update", { method: "POST" });
            const failed = answer.results.filter((result) => !result.ok);
            toast(failed.length ? "The update did not wholly succeed" : `Updated ${plural(answer.results.length, "group")}`,
                { kind: failed.length ? "bad" : "ok", detail: failed.map((result) => `${result.name}: ${result.message}`).join("\n") });
        } catch (error) {
            toast("Could not update", { kind: "bad", detail: error.message });
        }
        dialog.close();
    });
}
