// An HTTP server at a UNIX socket, by Node. GET /SIZE answers so many bytes, POST /sum the SHA-256 of the body.
// Argument: the path.
import { createHash } from 'node:crypto';
import http from 'node:http';

function answerBytes(response, size) {
  const piece = Buffer.alloc(65536);
  for (let index = 0; index < piece.length; index++) piece[index] = index % 251;
  let left = size;
  const go = () => {
    while (left > 0) {
      const part = piece.subarray(0, Math.min(left, piece.length));
      left -= part.length;
      if (!response.write(part)) {
        response.once('drain', go);
        return;
      }
    }
    response.end();
  };
  go();
}

http
  .createServer((request, response) => {
    if (request.method === 'GET') {
      answerBytes(response, Number(request.url.slice(1)));
      return;
    }
    const sum = createHash('sha256');
    request.on('data', (data) => sum.update(data));
    request.on('end', () => response.end(sum.digest('hex')));
  })
  .listen(process.argv[2]);
