// What the connection needs of a browser: WebSocket, timers, clock.
import type { ConnectionHost, SocketCallbacks } from './connection';

const PROTOCOL = 'pipebridge.v1.json';

function open(since: string | undefined, callbacks: SocketCallbacks): { close(): void } {
  const url = new URL('/api/v1/events', location.href);
  url.protocol = location.protocol === 'https:' ? 'wss:' : 'ws:';
  if (since !== undefined) url.searchParams.set('since', since);
  const socket = new WebSocket(url, PROTOCOL);
  socket.onmessage = (event: MessageEvent<unknown>) => {
    if (typeof event.data === 'string') callbacks.onMessage(event.data);
  };
  socket.onclose = (event) => callbacks.onClose(event.code, event.reason);
  return {
    close() {
      socket.onmessage = null;
      socket.onclose = null;
      socket.close();
    },
  };
}

export const browserHost: ConnectionHost = {
  open,
  nowMs: () => Date.now(),
  random: () => Math.random(),
  startTimer(delayMs, routine) {
    const id = setTimeout(routine, delayMs);
    return () => clearTimeout(id);
  },
};
