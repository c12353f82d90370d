// SPDX-License-Identifier: MIT
// daemon.mjs: a real supervisord in a directory of its own, and a browser to look at it.

import { spawn } from "node:child_process";
import { once } from "node:events";
import fs from "node:fs";
import http from "node:http";
import net from "node:net";
import os from "node:os";
import path from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { chromium } from "playwright-core";

const PATIENCE_MS = process.env.SUPERVISOR_TEST_SANITIZED ? 60000 : 20000;

/** Until condition() gives something truthy: that is returned. */
export async function until(condition, what, ms = PATIENCE_MS) {
    const end = Date.now() + ms;
    for (;;) {
        const value = await condition();
        if (value)
            return value;
        if (Date.now() > end)
            throw new Error(`it did not come true within ${ms} ms: ${what}`);
        await sleep(20);
    }
}

export async function freePort() {
    const server = net.createServer().listen(0, "127.0.0.1");
    await once(server, "listening");
    const { port } = server.address();
    server.close();
    await once(server, "close");
    return port;
}

export class Daemon {
    /** programs: text of sections; listener: more lines for [inet_http_server]. */
    static async start(programs, listener = "") {
        const daemon = new Daemon();
        daemon.dir = fs.mkdtempSync(path.join(os.tmpdir(), "supervisor-browser-"));
        daemon.port = await freePort();
        daemon.url = `http://127.0.0.1:${daemon.port}/`;
        daemon.listener = listener;
        daemon.configure(programs);
        daemon.child = spawn(process.env.SUPERVISORD, ["-n", "-c", path.join(daemon.dir, "supervisord.conf")], { stdio: "ignore" });
        await until(() => daemon.get("healthz").then(() => true, () => false), "the daemon answers");
        return daemon;
    }

    configure(programs) {
        fs.writeFileSync(path.join(this.dir, "supervisord.conf"), `
[supervisord]
logfile = ${this.dir}/supervisord.log
pidfile = ${this.dir}/supervisord.pid
childlogdir = ${this.dir}
identifier = browser-test
[inet_http_server]
port = 127.0.0.1:${this.port}
${this.listener}
[rpcinterface:supervisor]
supervisor.rpcinterface_factory = supervisor.rpcinterface:make_main_rpcinterface
${programs}`);
    }

    get(target, options = {}) {
        return fetch(new URL(target, this.url), { redirect: "manual", ...options });
    }

    async process(name) {
        return (await this.get(`api/v1/processes/${name}`)).json();
    }

    state(name, state) {
        return until(async () => (await this.process(name)).state === state, `${name} is ${state}`);
    }

    async stop() {
        if (this.child.exitCode === null) {
            this.child.kill("SIGTERM");
            const killer = setTimeout(() => this.child.kill("SIGKILL"), PATIENCE_MS);
            await once(this.child, "exit");
            clearTimeout(killer);
        }
        fs.rmSync(this.dir, { recursive: true, force: true });
    }
}

export function launchBrowser() {
    return chromium.launch({
        executablePath: process.env.CHROMIUM,
        args: ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
            "--disable-component-update", "--disable-sync", "--disable-dev-shm-usage"],
    });
}

/** A proxy that serves target below prefix, and passes streams on as they come. */
export async function startProxy(target, prefix) {
    const server = http.createServer((request, response) => {
        if (!request.url.startsWith(prefix)) {
            response.writeHead(404).end();
            return;
        }
        const { hostname, port } = new URL(target);
        const onward = http.request({ hostname, port, method: request.method, path: request.url.slice(prefix.length - 1), headers: request.headers },
            (answer) => {
                response.writeHead(answer.statusCode, answer.headers);
                answer.pipe(response);
            });
        onward.on("error", () => response.destroy());
        response.on("close", () => onward.destroy());
        request.pipe(onward);
    }).listen(0, "127.0.0.1");
    await once(server, "listening");
    return { url: `http://127.0.0.1:${server.address().port}${prefix}`, close: () => { server.closeAllConnections(); server.close(); } };
}
