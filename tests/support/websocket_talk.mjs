// What a client of a raw WebSocket does, the same in Node (with the package ws) and in a page of Chromium. Each
// function stands alone: a page gets its text.

/** Sends `messages` ({ type, size }), hears as many (or `count`), closes if `closes`, and tells what it heard. */
export async function talk({ url, protocols, messages, count = messages.length, closes = true }) {
  const encode = (text) => new TextEncoder().encode(text);
  const unit = Uint8Array.from({ length: 256 }, (_, index) => (index * 7 + 13) & 255);
  const payload = ({ type, size }) => {
    if (type === 'text') return 'aä🦀'.repeat(size / 7);
    const bytes = new Uint8Array(size);
    for (let at = 0; at < size; at += 256) bytes.set(unit.subarray(0, Math.min(256, size - at)), at);
    return bytes;
  };
  // Node 18 has it under another name.
  const { subtle } = globalThis.crypto ?? (await import('node:crypto')).webcrypto;
  const digest = async (bytes) =>
    [...new Uint8Array(await subtle.digest('SHA-256', bytes))]
      .map((byte) => byte.toString(16).padStart(2, '0'))
      .join('');
  const socket = protocols.length > 0 ? new WebSocket(url, protocols) : new WebSocket(url);
  socket.binaryType = 'arraybuffer';
  const heard = [];
  const closed = new Promise((resolve) => {
    socket.onclose = ({ code, reason, wasClean }) => resolve({ code, reason, wasClean });
  });
  socket.onerror = () => {}; // a close follows
  socket.onmessage = ({ data }) => {
    heard.push(data);
    if (closes && heard.length === count) socket.close(1000, 'heard all');
  };
  socket.onopen = () => {
    for (const message of messages) socket.send(payload(message));
  };
  const close = await closed;
  const tell = async (data) => {
    const bytes = typeof data === 'string' ? encode(data) : new Uint8Array(data);
    return { type: typeof data === 'string' ? 'text' : 'binary', size: bytes.length, digest: await digest(bytes) };
  };
  const { protocol, extensions } = socket;
  return { protocol, extensions, heard: await Promise.all(heard.map(tell)), close };
}

/** Looks at a desktop by RFB 3.8 as noVNC does: subprotocol binary, one queue of bytes, whatever a message holds. */
export async function viewDesktop({ url }) {
  const socket = new WebSocket(url, ['binary']);
  socket.binaryType = 'arraybuffer';
  let queue = new Uint8Array(0);
  let wake = () => {};
  const closed = new Promise((resolve) => {
    socket.onclose = ({ code }) => resolve(code);
  });
  socket.onmessage = ({ data }) => {
    const joined = new Uint8Array(queue.length + data.byteLength);
    joined.set(queue);
    joined.set(new Uint8Array(data), queue.length);
    queue = joined;
    wake();
  };
  await new Promise((resolve, reject) => {
    socket.onopen = resolve;
    socket.onerror = () => reject(new Error('no connection'));
  });
  const take = async (size) => {
    while (queue.length < size) await new Promise((resolve) => (wake = resolve));
    const bytes = queue.slice(0, size);
    queue = queue.slice(size);
    return bytes;
  };
  const view = (bytes) => new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const text = (bytes) => new TextDecoder().decode(bytes);

  const version = text(await take(12));
  socket.send(new TextEncoder().encode('RFB 003.008\n'));
  const kinds = await take((await take(1))[0]);
  socket.send(Uint8Array.of(kinds[0]));
  if (view(await take(4)).getUint32(0) !== 0) throw new Error('refused');
  socket.send(Uint8Array.of(1)); // shared
  const start = view(await take(24));
  const [width, height] = [start.getUint16(0), start.getUint16(2)];
  const name = text(await take(start.getUint32(20)));
  socket.send(Uint8Array.of(2, 0, 0, 1, 0, 0, 0, 0)); // raw pixels
  const request = new DataView(new ArrayBuffer(10));
  request.setUint8(0, 3);
  request.setUint16(6, width);
  request.setUint16(8, height);
  socket.send(request.buffer);
  const update = view(await take(4));
  let pixels = 0;
  let sum = 0;
  for (let left = update.getUint16(2); left > 0; left--) {
    const rectangle = view(await take(12));
    const size = rectangle.getUint16(4) * rectangle.getUint16(6) * 4;
    for (const byte of await take(size)) sum = (sum * 31 + byte) % 1000003;
    pixels += size / 4;
  }
  socket.close();
  return { version, protocol: socket.protocol, name, width, height, pixels, sum, code: await closed };
}
