// The control API: plain requests, and its errors as values. Every request ends: it has a deadline.
import { kinds } from '../filter/terms';
import type { Direction, PipeInfo, SessionInfo, WireEvent } from '../protocol/event';
import { en } from '../text/en';

const TIMEOUT_MS = 5_000;
/** Without it the service gives messages and injections only. */
const everyKind = kinds.join(',');

/** An answer of the service that says no (RFC 9457), or none at all (`status` 0). */
export interface Problem {
  readonly status: number;
  readonly code: string;
  readonly detail: string;
  readonly retryAfterSeconds: number | null;
}

export type Result<T> =
  | { readonly ok: true; readonly status: number; readonly value: T }
  | { readonly ok: false; readonly problem: Problem };

/** The answer to a message that was sent. */
export interface Delivery {
  readonly run: string;
  readonly seq: number;
  readonly pipe: string;
  readonly session: number;
  readonly bytes: number;
  readonly targets: number;
  readonly delivered: number;
  readonly queued: number;
  readonly refused: number;
}

/** Where a message goes: one session, or all of a pipe. */
export type Target = { readonly pipe: string } | { readonly session: number };

async function request<T>(
  method: string,
  path: string,
  body?: BodyInit,
  type = 'application/octet-stream',
): Promise<Result<T>> {
  try {
    const init: RequestInit = { method, signal: AbortSignal.timeout(TIMEOUT_MS), cache: 'no-store' };
    if (body !== undefined) {
      init.body = body;
      init.headers = { 'content-type': type };
    }
    const response = await fetch(path, init);
    if (!response.ok) return { ok: false, problem: await readProblem(response) };
    const text = await response.text();
    const value = (text === '' ? {} : JSON.parse(text)) as T;
    return { ok: true, status: response.status, value };
  } catch (error) {
    const timedOut = error instanceof DOMException && error.name === 'TimeoutError';
    const detail = timedOut ? en.api.timeout(TIMEOUT_MS / 1000) : en.api.unreachable;
    return { ok: false, problem: { status: 0, code: 'unreachable', detail, retryAfterSeconds: null } };
  }
}

/** What a session said next. */
export interface Answer {
  readonly seq: number;
  readonly session: number;
  readonly microseconds: number;
  readonly bytes: Uint8Array;
}

async function call(
  target: Target,
  direction: Direction | null,
  body: BodyInit,
  timeoutMs: number,
): Promise<Result<Answer>> {
  try {
    const response = await fetch(`${pathOf(target)}/call?${callQuery(direction, timeoutMs)}`, {
      method: 'POST',
      body,
      headers: { 'content-type': 'application/octet-stream' },
      signal: AbortSignal.timeout(timeoutMs + TIMEOUT_MS),
    });
    if (!response.ok) return { ok: false, problem: await readProblem(response) };
    const number = (name: string): number => Number(response.headers.get(`pipebridge-${name}`));
    const value: Answer = {
      seq: number('seq'),
      session: number('session'),
      microseconds: number('microseconds'),
      bytes: new Uint8Array(await response.arrayBuffer()),
    };
    return { ok: true, status: response.status, value };
  } catch {
    const detail = en.api.unreachable;
    return { ok: false, problem: { status: 0, code: 'unreachable', detail, retryAfterSeconds: null } };
  }
}

function callQuery(direction: Direction | null, timeoutMs: number): string {
  const query = new URLSearchParams({ timeout_ms: String(timeoutMs) });
  if (direction !== null) query.set('direction', direction);
  return query.toString();
}

async function readProblem(response: Response): Promise<Problem> {
  const retryAfter = Number(response.headers.get('retry-after') ?? Number.NaN);
  let code = '';
  let detail = '';
  try {
    const body = (await response.json()) as Record<string, unknown>;
    if (typeof body.code === 'string') code = body.code;
    if (typeof body.detail === 'string') detail = body.detail;
  } catch {
    // Not a problem document: the status has to do.
  }
  return {
    status: response.status,
    code,
    detail: detail === '' ? en.api.status(response.status) : detail,
    retryAfterSeconds: Number.isFinite(retryAfter) ? retryAfter : null,
  };
}

const pathOf = (target: Target): string =>
  'pipe' in target
    ? `/api/v1/pipes/${encodeURIComponent(target.pipe)}`
    : `/api/v1/sessions/${target.session}`;

/** `direction`: where a tap has two; else null. */
export function messagesPath(target: Target, direction: Direction | null): string {
  return `${pathOf(target)}/messages${direction === null ? '' : `?direction=${direction}`}`;
}

const pipePath = (name: string): string => `/api/v1/pipes/${encodeURIComponent(name)}`;

export const api = {
  /** With its settings, as one would PUT them. */
  pipe: (name: string) => request<{ config: unknown }>('GET', pipePath(name)),
  addPipe: (name: string, config: object) =>
    request<unknown>('PUT', pipePath(name), JSON.stringify(config), 'application/json'),
  changePipe: (name: string, patch: object) =>
    request<unknown>('PATCH', pipePath(name), JSON.stringify(patch), 'application/merge-patch+json'),
  removePipe: (name: string) => request<unknown>('DELETE', pipePath(name)),
  pipes: () => request<{ run: string; pipes: PipeInfo[] }>('GET', '/api/v1/pipes'),
  sessions: (pipe: string | null) =>
    request<{ run: string; sessions: SessionInfo[] }>(
      'GET',
      `/api/v1/sessions${pipe === null ? '' : `?pipe=${encodeURIComponent(pipe)}`}`,
    ),
  /** What was said after `since`, up to and with `until`, oldest first. */
  history: (since: string, until: string) =>
    request<{ run: string; events: WireEvent[]; next: string | null }>(
      'GET',
      `/api/v1/messages?order=oldest&limit=500&since=${since}&until=${until}&kind=${everyKind}`,
    ),
  disconnect: (session: number) => request<{ id: number }>('DELETE', `/api/v1/sessions/${session}`),
  send: (target: Target, direction: Direction | null, body: BodyInit) =>
    request<Delivery>('POST', messagesPath(target, direction), body),
  call,
  health: () => request<{ status: string }>('GET', '/healthz'),
};
