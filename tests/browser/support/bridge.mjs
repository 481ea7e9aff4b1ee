// The real program, and terminals that talk through its pipes.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { DEADLINE_MS } from './browser.mjs';

export const PROGRAM = process.env.PIPEBRIDGE_PROGRAM ?? '';

const pipes = [
  { name: 'demo', role: 'server', mode: 'byte', framing: 'line', path: 'demo.sock' },
  { name: 'other', role: 'server', mode: 'byte', framing: 'line', path: 'other.sock' },
];

export async function until(what, isDone) {
  const end = Date.now() + DEADLINE_MS;
  for (;;) {
    const answer = await isDone();
    if (answer) return answer;
    if (Date.now() > end) throw new Error(`not within ${DEADLINE_MS} ms: ${what}`);
    await delay(20);
  }
}

function read(file) {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    return '';
  }
}

export class Bridge {
  /** `run`: where the sockets are, if not in a folder of its own. */
  constructor(config = {}, run = null) {
    this.folder = mkdtempSync(path.join(tmpdir(), 'pipebridge-browser-'));
    this.run = run ?? path.join(this.folder, 'run');
    this.portFile = path.join(this.folder, 'port');
    this.configFile = path.join(this.folder, 'config.json');
    this.children = new Set();
    this.port = 0;
    writeFileSync(this.configFile, JSON.stringify({ pipes, ...config }));
  }

  /** Starts, or starts again at the same address. */
  async start() {
    rmSync(this.portFile, { force: true });
    const listen = `127.0.0.1:${this.port}`;
    const options = {
      '--config': this.configFile,
      '--runtime-dir': this.run,
      '--listen': listen,
      '--port-file': this.portFile,
    };
    this.process = this.spawn(PROGRAM, Object.entries(options).flat());
    this.log = '';
    this.process.stderr.on('data', (data) => {
      this.log += data;
    });
    await until('the program is ready', () => {
      if (this.process.exitCode !== null)
        throw new Error(`ended with ${this.process.exitCode}:\n${this.log}`);
      return read(this.portFile).trim() !== '';
    });
    this.port = Number(read(this.portFile).trim().split(/\s/)[0]);
    return this;
  }

  spawn(program, args) {
    const child = spawn(program, args, { stdio: ['pipe', 'pipe', 'pipe'] });
    this.children.add(child);
    child.on('exit', () => this.children.delete(child));
    return child;
  }

  get url() {
    return `http://127.0.0.1:${this.port}/`;
  }

  path(pipe) {
    return path.join(this.run, `${pipe}.sock`);
  }

  /** A terminal with socat in it: `say` types a line, `heard` is what came back. */
  async terminal(pipe, program = 'socat') {
    await until(`the socket of ${pipe}`, () => statSync(this.path(pipe), { throwIfNoEntry: false }));
    const child = this.spawn(program, ['-', `UNIX-CONNECT:${this.path(pipe)}`]);
    const terminal = { child, heard: '', say: (text) => child.stdin.write(`${text}\n`) };
    child.stdout.on('data', (data) => {
      terminal.heard += data;
    });
    terminal.hears = (text) =>
      until(`the terminal hears ${JSON.stringify(text)}`, () => terminal.heard.includes(text));
    return terminal;
  }

  async kill() {
    this.process.kill('SIGKILL');
    await once(this.process, 'exit');
  }

  async end() {
    for (const child of this.children) child.kill(child === this.process ? 'SIGTERM' : 'SIGKILL');
    if (this.process.exitCode === null && this.process.signalCode === null)
      await once(this.process, 'exit');
    rmSync(this.folder, { recursive: true, force: true });
  }
}
