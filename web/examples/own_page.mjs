// A page of your own that speaks with a pipe. The bridge answers no foreign page, so the page asks this server, which
// passes on what that page, and no other, says to one pipe.
//
//     node own_page.mjs demo 8080          then http://127.0.0.1:8080/
import http from 'node:http';
import net from 'node:net';

const [pipe = 'demo', port = '8080', bridge = '127.0.0.1:7117'] = process.argv.slice(2);
const [bridgeHost, bridgePort] = bridge.split(':');
const own = [`127.0.0.1:${port}`, `localhost:${port}`];

const page = `<!doctype html>
<meta charset="utf-8"><title>${pipe}</title>
<form><input name="text" autofocus autocomplete="off"><button>Say</button></form>
<pre></pre>
<script type="module">
  const socket = new WebSocket('ws://' + location.host + '/pipe');
  const show = (text) => document.querySelector('pre').append(text + '\\n');
  socket.onmessage = async ({ data }) => show(typeof data === 'string' ? data : await data.text());
  socket.onclose = ({ code, reason }) => show('closed: ' + code + ' ' + reason);
  document.forms[0].onsubmit = (event) => {
    event.preventDefault();
    socket.send(document.forms[0].text.value);
    document.forms[0].reset();
  };
</script>`;

const server = http.createServer((request, response) => {
  response.writeHead(request.url === '/' ? 200 : 404, { 'Content-Type': 'text/html' });
  response.end(request.url === '/' ? page : '');
});

/** Whether our own page asks: what the bridge would have looked at. */
const isOwn = ({ host, origin }) => own.includes(host) && origin === `http://${host}`;

server.on('upgrade', (request, client, head) => {
  if (request.url !== '/pipe' || !isOwn(request.headers)) {
    client.end('HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\nConnection: close\r\n\r\n');
    return;
  }
  const upstream = net.connect(Number(bridgePort), bridgeHost, () => {
    const { 'sec-websocket-key': key, 'sec-websocket-version': version } = request.headers;
    upstream.write(
      `GET /api/v1/pipes/${pipe}/ws HTTP/1.1\r\nHost: ${bridge}\r\nConnection: Upgrade\r\n` +
        `Upgrade: websocket\r\nSec-WebSocket-Version: ${version}\r\nSec-WebSocket-Key: ${key}\r\n\r\n`,
    );
    upstream.write(head);
    client.pipe(upstream).pipe(client);
  });
  upstream.on('error', () => client.destroy());
  client.on('error', () => upstream.destroy());
});

server.listen(Number(port), '127.0.0.1', () => console.log(`http://127.0.0.1:${port}/`));
