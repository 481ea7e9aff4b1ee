// websocket_talk.mjs FUNCTION PLAN: a function of websocket_talk.mjs of tests/support with the package ws of Debian. Its
// `fragments` are sent here, since a browser cannot.
import { createRequire } from 'node:module';
import { talk, viewDesktop } from '../../support/websocket_talk.mjs';

const { WebSocket } = createRequire(import.meta.url)('/usr/share/nodejs/ws');
const [name, text] = process.argv.slice(2);
const plan = JSON.parse(text);

class Fragmenting extends WebSocket {
  send(data) {
    const count = plan.fragments ?? 1;
    const bytes = Buffer.from(data);
    const binary = typeof data !== 'string';
    const step = Math.ceil(bytes.length / count) || 1;
    let at = 0;
    for (; at + step < bytes.length; at += step) super.send(bytes.subarray(at, at + step), { fin: false, binary });
    super.send(bytes.subarray(at), { fin: true, binary });
  }
}

globalThis.WebSocket = plan.fragments > 1 ? Fragmenting : WebSocket;
console.log(JSON.stringify(await { talk, viewDesktop }[name](plan)));
process.exit(0);
