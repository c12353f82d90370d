// SPDX-License-Identifier: MIT
// dom.js: building elements, and how values read.

/** h("td", { class: "num", onclick: f, "aria-label": "x" }, "text", child, null) */
export function h(tag, props = {}, ...children) {
    const element = document.createElement(tag);
    for (const [key, value] of Object.entries(props)) {
        if (value === null || value === undefined || value === false)
            continue;
        if (key.startsWith("on"))
            element.addEventListener(key.slice(2), value);
        else if (value === true)
            element.setAttribute(key, "");
        else
            element.setAttribute(key, value);
    }
    element.append(...children.flat().filter((child) => child !== null && child !== undefined));
    return element;
}

export function svg(tag, props = {}, ...children) {
    const element = document.createElementNS("http://www.w3.org/2000/svg", tag);
    for (const [key, value] of Object.entries(props))
        element.setAttribute(key, value);
    element.append(...children);
    return element;
}

/** A button that shows a picture only; its name is for screen readers and the tooltip. */
export function icon(name, label, onclick) {
    return h("button", { type: "button", class: `icon i-${name}`, title: label, "aria-label": label, onclick });
}

/** Write only what differs: most repaints change nothing. */
export function setText(node, text) {
    if (node.textContent !== text)
        node.textContent = text;
}

export function setAttr(node, name, value) {
    if (value === null) {
        if (node.hasAttribute(name))
            node.removeAttribute(name);
    } else if (node.getAttribute(name) !== value) {
        node.setAttribute(name, value);
    }
}

export function bytes(n) {
    if (n === null || n === undefined)
        return "–";
    const units = ["B", "KiB", "MiB", "GiB", "TiB"];
    let unit = 0;
    while (n >= 1024 && unit < units.length - 1) {
        n /= 1024;
        unit++;
    }
    return `${unit === 0 || n >= 100 ? Math.round(n) : n.toFixed(1)} ${units[unit]}`;
}

export function percent(n) {
    if (n === null || n === undefined)
        return "–";
    return `${n >= 100 ? Math.round(n) : n.toFixed(1)} %`;
}

/** "3 d 04:12:09", "0:00:07" */
export function duration(seconds) {
    seconds = Math.max(0, Math.floor(seconds));
    const days = Math.floor(seconds / 86400);
    const hours = Math.floor(seconds / 3600) % 24;
    const two = (n) => String(n).padStart(2, "0");
    const clock = `${days ? two(hours) : hours}:${two(Math.floor(seconds / 60) % 60)}:${two(seconds % 60)}`;
    return days ? `${days} d ${clock}` : clock;
}

/** "3.2 s", "12 s", "1:02:03" */
export function lived(seconds) {
    if (seconds < 10)
        return `${seconds.toFixed(1)} s`;
    return seconds < 60 ? `${Math.round(seconds)} s` : duration(seconds);
}

export function ago(seconds) {
    if (seconds < 60)
        return "just now";
    if (seconds < 3600)
        return `${Math.floor(seconds / 60)} min ago`;
    if (seconds < 172800)
        return `${Math.floor(seconds / 3600)} h ago`;
    return `${Math.floor(seconds / 86400)} days ago`;
}

export function moment(epochSeconds) {
    return new Date(epochSeconds * 1000).toLocaleString(undefined, {
        month: "short", day: "2-digit", hour: "2-digit", minute: "2-digit", second: "2-digit", hour12: false,
    });
}

export function plural(n, one, many = `${one}s`) {
    return `${n} ${n === 1 ? one : many}`;
}

/** Percent-encode for a path; the colon of "group:name" stays readable. */
export function pathName(name) {
    return encodeURIComponent(name).replaceAll("%3A", ":");
}
