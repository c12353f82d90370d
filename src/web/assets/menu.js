// SPDX-License-Identifier: MIT
// menu.js: a small menu below the button that opened it; arrows, Home, End and Escape work.

import { h } from "./dom.js";

let open = null;

export function closeMenu() {
    open?.close();
}

/** items: { label, icon, run, disabled, danger } | "-" | { heading } */
export function openMenu(button, items) {
    closeMenu();
    const menu = h("div", { class: "menu", role: "menu" });
    for (const item of items) {
        if (item === "-")
            menu.append(h("hr"));
        else if (item.heading)
            menu.append(h("div", { class: "label" }, item.heading));
        else
            menu.append(h("button", {
                type: "button", role: "menuitem", disabled: item.disabled,
                class: `${item.icon ? `with-icon i-${item.icon}` : ""} ${item.danger ? "danger" : ""}`,
                onclick: () => {
                    close();
                    item.run();
                },
            }, item.label));
    }
    document.body.append(menu);
    const at = button.getBoundingClientRect();
    const size = menu.getBoundingClientRect();
    menu.style.left = `${Math.max(8, Math.min(at.right - size.width, innerWidth - size.width - 8))}px`;
    const below = at.bottom + 4 + size.height <= innerHeight;
    menu.style.top = `${below ? at.bottom + 4 : Math.max(8, at.top - size.height - 4)}px`;
    button.setAttribute("aria-expanded", "true");

    const choices = [...menu.querySelectorAll("button:not(:disabled)")];
    choices[0]?.focus();

    function close() {
        menu.remove();
        button.setAttribute("aria-expanded", "false");
        document.removeEventListener("pointerdown", outside, true);
        removeEventListener("scroll", close, true);
        open = null;
        if (document.activeElement === document.body)
            button.focus({ preventScroll: true });
    }
    function outside(event) {
        if (!menu.contains(event.target) && event.target !== button)
            close();
    }
    menu.addEventListener("keydown", (event) => {
        const now = choices.indexOf(document.activeElement);
        const move = { ArrowDown: now + 1, ArrowUp: now - 1, Home: 0, End: choices.length - 1 }[event.key];
        if (event.key === "Escape" || event.key === "Tab") {
            close();
            button.focus();
        } else if (move === undefined) {
            return;
        } else {
            choices.at(move % choices.length)?.focus();
        }
        event.preventDefault();
        event.stopPropagation();
    });
    document.addEventListener("pointerdown", outside, true);
    addEventListener("scroll", close, true);
    open = { close };
}
