// Lines to paste into a terminal. Pure: the same for the first visit and for "copy as curl" later.
import type { PipeInfo } from '../protocol/event';

/** Quotes for a POSIX shell where that is needed. */
export function shellQuote(text: string): string {
  return /^[\w@%+=:,./-]+$/.test(text) ? text : `'${text.replaceAll("'", `'\\''`)}'`;
}

/** socat separates options by commas and splits at colons: those in a path are escaped. */
function socatPath(path: string): string {
  return path.replace(/[\\,:!"'([{]/g, (character) => `\\${character}`);
}

export function socatCommand(pipe: PipeInfo): string {
  const type = pipe.mode === 'message' ? ',socktype=5' : '';
  return `socat - ${shellQuote(`UNIX-CONNECT:${socatPath(pipe.path)}${type}`)}`;
}

export function writeCommand(pipe: PipeInfo): string {
  return `echo hello > ${shellQuote(pipe.path)}`;
}

export function readCommand(pipe: PipeInfo): string {
  return `cat ${shellQuote(pipe.path)}`;
}

export function injectCommand(origin: string, pipe: PipeInfo): string {
  const query = pipe.role === 'tap' ? '?direction=c2s' : '';
  const path = `/api/v1/pipes/${encodeURIComponent(pipe.name)}/messages${query}`;
  return `curl --data-binary 'hello' ${shellQuote(`${origin}${path}`)}`;
}

export function watchCommand(origin: string, pipe: string | null): string {
  const query = pipe === null ? '' : `?pipe=${encodeURIComponent(pipe)}`;
  return `curl -N ${shellQuote(`${origin}/api/v1/events${query}`)}`;
}
