// SPDX-License-Identifier: MIT
// ansi.js: text with SGR escapes -> lines of styled pieces. Other escapes are dropped.

const ESCAPE = /\x1b(?:\[([0-9;:?<=>]*)[ -/]*([@-~])|\][^\x07\x1b]*(?:\x07|\x1b\\)|[@-Z\\^_])/g;
const PARTIAL = /\x1b(?:\[[0-9;:?<=>]*[ -/]*|\][^\x07\x1b]*)?$/;
const PARTIAL_MAX = 4096;

export class AnsiLines {
    #style = plain();
    #rest = "";

    /** Feed text; onLine(pieces, complete) for each line; the last one may be continued later. */
    feed(text, onLine) {
        text = this.#rest + text;
        const partial = PARTIAL.exec(text);
        this.#rest = partial && partial[0].length < PARTIAL_MAX ? partial[0] : "";
        if (this.#rest)
            text = text.slice(0, -this.#rest.length);
        const lines = text.split("\n");
        lines.forEach((line, i) => onLine(this.#pieces(line), i < lines.length - 1));
    }

    #pieces(line) {
        const pieces = [];
        let from = 0;
        for (const match of line.matchAll(ESCAPE)) {
            this.#push(pieces, line.slice(from, match.index));
            from = match.index + match[0].length;
            if (match[2] === "m")
                applySgr(this.#style, match[1]);
        }
        this.#push(pieces, line.slice(from));
        return pieces;
    }

    #push(pieces, text) {
        // A carriage return within a line: only what was written last is to be seen.
        const shown = text.replace(/\r+$/, "");
        const last = shown.slice(shown.lastIndexOf("\r") + 1).replace(/[\x00-\x08\x0b-\x1f\x7f]/g, "\u00b7");
        if (last)
            pieces.push({ text: last, ...this.#style });
    }
}

function plain() {
    return { fg: null, bold: false, dim: false, italic: false, underline: false, inverse: false };
}

function applySgr(style, parameters) {
    const codes = parameters.split(/[;:]/).map((code) => Number(code || 0));
    for (let i = 0; i < codes.length; i++) {
        const code = codes[i];
        if (code === 0)
            Object.assign(style, plain());
        else if (code === 1)
            style.bold = true;
        else if (code === 2)
            style.dim = true;
        else if (code === 3)
            style.italic = true;
        else if (code === 4)
            style.underline = true;
        else if (code === 7)
            style.inverse = true;
        else if (code === 22)
            style.bold = style.dim = false;
        else if (code === 23)
            style.italic = false;
        else if (code === 24)
            style.underline = false;
        else if (code === 27)
            style.inverse = false;
        else if (code >= 30 && code <= 37)
            style.fg = code - 30;
        else if (code >= 90 && code <= 97)
            style.fg = code - 82;
        else if (code === 39)
            style.fg = null;
        else if (code === 38 || code === 48)
            i = extended(style, codes, i);
    }
}

/** 38;5;n and 38;2;r;g;b; backgrounds are read past, not shown. */
function extended(style, codes, i) {
    let colour = null;
    if (codes[i + 1] === 5) {
        colour = indexed(codes[i + 2] ?? 0);
        if (codes[i] === 38)
            style.fg = colour;
        return i + 2;
    }
    if (codes[i + 1] === 2) {
        colour = `rgb(${codes.slice(i + 2, i + 5).map((c) => Math.min(255, c || 0)).join(" ")})`;
        if (codes[i] === 38)
            style.fg = colour;
        return i + 4;
    }
    return i;
}

function indexed(n) {
    if (n < 16)
        return n;
    if (n >= 232)
        return `rgb(${Array(3).fill(8 + (Math.min(n, 255) - 232) * 10).join(" ")})`;
    const cube = [0, 95, 135, 175, 215, 255];
    n -= 16;
    return `rgb(${cube[Math.floor(n / 36)]} ${cube[Math.floor(n / 6) % 6]} ${cube[n % 6]})`;
}

/** The pieces as nodes; style by class, free colours through the style object. */
export function toNodes(pieces) {
    return pieces.map((piece) => {
        const classes = [];
        if (typeof piece.fg === "number")
            classes.push(`f${piece.fg}`);
        if (piece.dim)
            classes.push("dim");
        if (piece.italic)
            classes.push("ital");
        if (piece.underline)
            classes.push("under");
        if (piece.inverse)
            classes.push("inv");
        if (!classes.length && !piece.bold && typeof piece.fg !== "string")
            return document.createTextNode(piece.text);
        const node = document.createElement(piece.bold ? "b" : "span");
        node.className = classes.join(" ");
        if (typeof piece.fg === "string")
            node.style.color = piece.fg;
        node.textContent = piece.text;
        return node;
    });
}
