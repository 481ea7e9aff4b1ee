// The smallest broadcaster of node-ws: lines of a UNIX socket, each a message to all. broadcast.cjs SOCKET PORT-FILE
const { WebSocketServer } = require("ws");
const net = require("node:net");
const fs = require("node:fs");
const [socketPath, portFile] = process.argv.slice(2);

const server = new WebSocketServer({ host: "127.0.0.1", port: 0, perMessageDeflate: false });
net.createServer((pipe) => {
  let rest = "";
  pipe.setEncoding("latin1").on("data", (data) => {
    const lines = (rest + data).split("\n");
    rest = lines.pop();
    for (const line of lines) for (const client of server.clients) client.send(line);
  });
}).listen(socketPath, () => {
  fs.writeFileSync(portFile + ".new", server.address().port + "\n");
  fs.renameSync(portFile + ".new", portFile);
});
