// SPDX-License-Identifier: MIT
// ansi.test.mjs: escapes in logs, in whole and in pieces.

import assert from "node:assert/strict";
import { test } from "node:test";
import { AnsiLines } from "../../src/web/assets/ansi.js";

/** Feed pieces; the lines as lists of [text, colour]. */
function lines(...chunks) {
    const ansi = new AnsiLines();
    const result = [[]];
    for (const chunk of chunks)
        ansi.feed(chunk, (pieces, complete) => {
            result.at(-1).push(...pieces.map((piece) => [piece.text, piece.fg]));
            if (complete)
                result.push([]);
        });
    return result;
}

test("colours hold until they are ended", () => {
    assert.deepEqual(lines("a \x1b[31mred\nstill\x1b[0m plain"), [[["a ", null], ["red", 1]], [["still", 1], [" plain", null]]]);
    assert.deepEqual(lines("\x1b[1;92mx\x1b[39my"), [[["x", 10], ["y", null]]]);
});

test("an escape may come in pieces", () => {
    assert.deepEqual(lines("a\x1b", "[3", "1mb"), [[["a", null], ["b", 1]]]);
    assert.deepEqual(lines("a\x1b]0;ti", "tle\x07b"), [[["a", null], ["b", null]]]);
});

test("many colours are understood", () => {
    assert.deepEqual(lines("\x1b[38;5;208mx"), [[["x", "rgb(255 135 0)"]]]);
    assert.deepEqual(lines("\x1b[38;2;1;2;300mx"), [[["x", "rgb(1 2 255)"]]]);
    assert.deepEqual(lines("\x1b[48;5;1mx"), [[["x", null]]]);
    assert.deepEqual(lines("\x1b[38;5;244mx"), [[["x", "rgb(128 128 128)"]]]);
});

test("cursor movements, titles and control characters do no harm", () => {
    assert.deepEqual(lines("a\x1b[2K\x1b[1;1Hb\x00c"), [[["a", null], ["b\u00b7c", null]]]);
    assert.deepEqual(lines("10 %\r20 %\r\nnext"), [[["20 %", null]], [["next", null]]]);
});

test("an escape that never ends is let through at last", () => {
    const long = `\x1b]${"x".repeat(10000)}`;
    assert.ok(lines(long, "y")[0].map(([text]) => text).join("").includes("x"));
});
