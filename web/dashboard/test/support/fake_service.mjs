// A bridge without pipes: speaks the event stream and the control API from memory, and does on command what a
// real one does seldom: gaps, another run, refusals, silence. For unit and browser tests, and for looking at
// the page (tools/fake.mjs). Listens on loopback, port 0 unless told.
import { isUtf8 } from 'node:buffer';
import { createServer } from 'node:http';
import { requireInstalled } from '../../tools/modules.mjs';

const { WebSocketServer } = requireInstalled('ws');

const CSP = "default-src 'self'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'";
const nothing = () => ({ messages: 0, bytes: 0 });

function contentOf(payload) {
  const bytes = Buffer.from(payload);
  const content = isUtf8(bytes) ? { text: bytes.toString() } : { base64: bytes.toString('base64') };
  return { size: bytes.length, ...content };
}

export class FakeService {
  /** `assets`: as tools/page.mjs makes them. */
  constructor({ assets = [], run = '00000000000000a1' } = {}) {
    this.assets = new Map(assets.map((asset) => [asset.path, asset]));
    this.pipes = [];
    this.injections = [];
    /** What was sent to POST …/messages. */
    this.bodies = [];
    /** What POST …/messages answers next, instead of 201: {status, headers, body}. */
    this.nextAnswer = null;
    this.isHealthy = true;
    this.maxKept = 100_000;
    this.beginRun(run);
    this.server = createServer((request, response) => void this.answer(request, response));
    this.sockets = new WebSocketServer({ noServer: true, handleProtocols: () => 'pipebridge.v1.json' });
    this.server.on('upgrade', (request, socket, head) => {
      this.sockets.handleUpgrade(request, socket, head, (ws) => this.observe(ws, request));
    });
  }

  beginRun(run) {
    this.run = run;
    this.seq = 0;
    this.kept = [];
    this.sessions = new Map();
    this.begun = process.hrtime.bigint();
    this.nextSession = 41;
    for (const pipe of this.pipes) Object.assign(pipe, { sessions: 0, c2s: nothing(), s2c: nothing() });
  }

  async listen(port = 0) {
    await new Promise((resolve) => this.server.listen(port, '127.0.0.1', resolve));
    this.port = this.server.address().port;
    return `http://127.0.0.1:${this.port}`;
  }

  /** As a kill would: every connection is cut. */
  async cut() {
    for (const ws of this.sockets.clients) ws.terminate();
    this.server.closeAllConnections();
    await new Promise((resolve) => this.server.close(resolve));
  }

  addPipe(name, more = {}) {
    const pipe = {
      name,
      role: 'server',
      transport: 'socket',
      access: 'duplex',
      mode: 'byte',
      framing: 'line',
      path: `/run/user/1000/pipebridge/${name}.sock`,
      reply: 'none',
      sessions: 0,
      sessions_total: 0,
      c2s: nothing(),
      s2c: nothing(),
      injected: 0,
      errors: 0,
      limits: { max_instances: 255, max_message_bytes: 65536, max_write_queue_bytes: 1048576 },
      ...more,
    };
    this.pipes.push(pipe);
    return pipe;
  }

  // ---- what happens on the pipes ----
  event(fields) {
    this.seq += 1;
    const event = {
      seq: this.seq,
      wall_ns: Date.now() * 1e6,
      mono_ns: Number(process.hrtime.bigint() - this.begun),
      ...fields,
    };
    this.kept.push(event);
    if (this.kept.length > this.maxKept) this.kept.shift();
    return event;
  }

  /** Gives out what `event` has made: one batch to everybody. */
  publish(events) {
    this.sendAll({ type: 'events', run: this.run, events });
  }

  sendAll(frame) {
    const text = JSON.stringify(frame);
    for (const ws of this.sockets.clients) if (ws.isObserving) ws.send(text);
  }

  open(pipeName, name = 'python3') {
    const pipe = this.pipes.find((each) => each.name === pipeName);
    const id = this.nextSession++;
    const peer = { pid: 20000 + id, uid: 1000, gid: 1000, name };
    const event = this.event({ kind: 'opened', pipe: pipeName, session: id, peer });
    this.sessions.set(id, {
      id,
      pipe: pipeName,
      opened_wall_ns: event.wall_ns,
      peer,
      c2s: nothing(),
      s2c: nothing(),
    });
    pipe.sessions += 1;
    pipe.sessions_total += 1;
    this.publish([event]);
    return id;
  }

  close(id, reason = 'peer', status = 'ok') {
    const session = this.sessions.get(id);
    this.sessions.delete(id);
    this.pipes.find((each) => each.name === session.pipe).sessions -= 1;
    this.publish([this.event({ kind: 'closed', pipe: session.pipe, session: id, reason, status })]);
  }

  /** Makes one message event, counted, not given out. */
  message(id, direction, payload, more = {}) {
    const session = this.sessions.get(id);
    const pipe = this.pipes.find((each) => each.name === session.pipe);
    const bytes = Buffer.from(payload);
    for (const counter of [session[direction], pipe[direction]]) {
      counter.messages += 1;
      counter.bytes += bytes.length;
    }
    return this.event({
      kind: 'message',
      pipe: session.pipe,
      session: id,
      direction,
      ...contentOf(payload),
      ...more,
    });
  }

  say(id, direction, payload, more) {
    this.publish([this.message(id, direction, payload, more)]);
  }

  inject(pipeName, session, payload) {
    const targets = session === 0 ? this.pipes.find((each) => each.name === pipeName).sessions : 1;
    const event = this.event({
      kind: 'injected',
      pipe: pipeName,
      session,
      direction: 's2c',
      targets,
      ...contentOf(payload),
    });
    this.publish([event]);
    return event;
  }

  /** `count` events happen that no observer gets; then a gap tells of them. */
  gap(count, reason = 'slow') {
    const from = this.seq + 1;
    this.seq += count;
    const event = { kind: 'gap', seq: this.seq, from, to: this.seq, count, reason };
    this.kept.push(event);
    this.publish([event]);
  }

  /** Messages that no page hears, with the gap that tells of them; the past still holds them. */
  sayUnheard(id, payloads) {
    const missed = payloads.map((payload) => this.message(id, 'c2s', payload));
    const [from, to] = [missed[0].seq, missed.at(-1).seq];
    this.publish([{ kind: 'gap', seq: to, from, to, count: missed.length, reason: 'slow' }]);
  }

  // ---- HTTP ----
  observe(ws, request) {
    const since = new URL(request.url, 'http://x').searchParams.get('since');
    const sessions = [...this.sessions.values()];
    const head = { run: this.run, seq: this.seq, version: '0.0.0', pipes: this.pipes, sessions };
    ws.send(JSON.stringify({ type: 'snapshot', ...head }));
    const past = since === null ? [] : this.past(since);
    if (past.length > 0) ws.send(JSON.stringify({ type: 'events', run: this.run, events: past }));
    ws.isObserving = true;
  }

  past(since) {
    const [run, seq] = since.includes(':') ? since.split(':') : [this.run, since];
    const first = this.kept[0]?.seq ?? this.seq + 1;
    const lost = first - 1;
    const gap = (from, reason) => ({
      kind: 'gap',
      seq: lost,
      from,
      to: lost,
      count: lost - from + 1,
      reason,
    });
    if (run !== this.run) return [gap(1, 'run'), ...this.kept];
    const after = Number(seq);
    const kept = this.kept.filter((event) => event.seq > after);
    return after < lost ? [gap(after + 1, 'expired'), ...kept] : kept;
  }

  /** What is kept after `since`, up to and with `until`, in pages of two. */
  history(query) {
    const [since, until] = ['since', 'until'].map((name) => Number(query.get(name).split(':')[1]));
    const found = this.kept.filter(({ seq, kind }) => seq > since && seq <= until && kind !== 'gap');
    const page = found.slice(0, 2);
    const next = found.length > 2 ? `${this.run}:${page[1].seq}` : null;
    return { run: this.run, events: page, next };
  }

  async answer(request, response) {
    const url = new URL(request.url, 'http://x');
    const json = (status, body, headers = {}) => {
      response.writeHead(status, { 'content-type': 'application/json', ...headers });
      response.end(JSON.stringify(body));
    };
    const asset = this.assets.get(url.pathname);
    if (asset !== undefined) {
      response.writeHead(200, {
        'content-type': asset.type,
        'content-security-policy': CSP,
        etag: asset.etag,
      });
      response.end(asset.data);
    } else if (url.pathname === '/healthz')
      json(this.isHealthy ? 200 : 503, { status: this.isHealthy ? 'ok' : 'stuck' });
    else if (url.pathname === '/api/v1/messages') json(200, this.history(url.searchParams));
    else if (url.pathname === '/api/v1/pipes') json(200, { run: this.run, pipes: this.pipes });
    else if (url.pathname === '/api/v1/sessions') {
      const pipe = url.searchParams.get('pipe');
      const sessions = [...this.sessions.values()].filter(
        (session) => pipe === null || session.pipe === pipe,
      );
      json(200, { run: this.run, sessions });
    } else await this.answerCommand(request, url, json);
  }

  async answerCommand(request, url, json) {
    const problem = (status, code, detail) => json(status, { status, code, detail });
    const [, kind, name, isMessages] =
      /^\/api\/v1\/(pipes|sessions)\/([^/]+)(\/messages)?$/.exec(url.pathname) ?? [];
    const session = kind === 'sessions' ? this.sessions.get(Number(name)) : undefined;
    const pipe = this.pipes.find(
      (each) => each.name === (session?.pipe ?? decodeURIComponent(name ?? '')),
    );
    if (kind === 'sessions' && session === undefined) {
      problem(404, 'session_not_found', `There is no session ${name}.`);
    } else if (pipe === undefined) {
      problem(404, 'pipe_not_found', `There is no pipe ${name}.`);
    } else if (request.method === 'DELETE') {
      this.close(session.id, 'local');
      json(202, { id: session.id });
    } else if (request.method === 'POST' && isMessages) {
      const chunks = [];
      for await (const chunk of request) chunks.push(chunk);
      const body = Buffer.concat(chunks);
      this.bodies.push(body);
      if (this.nextAnswer !== null) {
        const { status, headers, body: answer } = this.nextAnswer;
        this.nextAnswer = null;
        json(status, answer, headers);
        return;
      }
      const event = this.inject(pipe.name, session?.id ?? 0, body);
      this.injections.push({ pipe: pipe.name, session: event.session, text: body.toString() });
      const { seq, targets, size } = event;
      const counts = { targets, delivered: targets, queued: 0, refused: 0 };
      json(targets > 0 ? 201 : 202, {
        run: this.run,
        seq,
        pipe: pipe.name,
        session: event.session,
        bytes: size,
        ...counts,
      });
    } else problem(405, 'method_not_allowed', 'Not that way.');
  }
}
